# What R's survey package answers to the questions that the report tables ask of a design. Sourced by make_designs.R.
suppressPackageStartupMessages(library(survey))
eps <- list(epsilon = 1e-14, maxit = 200)
bands <- c("0-19", "20-39", "40-59", "60+")
shares <- read.csv(file.path(root, "data_contracts/standard_populations.csv"))
shares <- shares[shares$standard_population == "us_2000_adults_three_groups", ]
prepared <- function(d) {
  d$band <- cut(d$age, c(0, 20, 40, 60, 1000), right = FALSE, labels = bands)
  d$number <- as.numeric(d$band) - 1
  d$sex <- relevel(factor(d$sex), ref = "male")
  d$group <- cut(d$age, c(20, 40, 60, 1000), right = FALSE)
  d
}
fit <- function(formula, design, family) {
  g <- eval(bquote(svyglm(.(formula), design, family = .(family)(), control = eps)))
  # replicates are fitted from the estimate that is handed over, so it must be the solution
  eval(bquote(svyglm(.(formula), design, family = .(family)(), control = eps, start = .(as.numeric(coef(g))))))
}
korn_graubard <- function(p, se, n, df) {
  simple <- p %in% c(0, 1) | se == 0
  effective <- if (simple) n else p * (1 - p) / se^2
  size <- min(n, effective * if (p %in% c(0, 1)) 1 else (qt(.975, n - 1) / qt(.975, df))^2)
  c(if (p == 0) 0 else qbeta(.025, p * size, size - p * size + 1), if (p == 1) 1 else qbeta(.975, p * size + 1, size - p * size), effective)
}
# the NCHS Data Presentation Standards for Proportions, by their text
verdict <- function(p, n, effective, lower, upper, df) {
  width <- upper - lower
  if (min(n, effective) < 30 || width >= .3 || (width > .05 && p > 0 && width / p > 1.3)) return("suppress")
  if (p %in% c(0, 1) || df < 8) return("review")
  if (width > .05 && p < 1 && width / (1 - p) > 1.3) return("footnote")
  "show"
}
row <- function(what, estimate = NA, se = NA, df = NA, lower = NA, upper = NA, n = NA, presentation = NA)
  data.frame(what = what, estimate = estimate, se = se, df = df, lower = lower, upper = upper, n = n, presentation = presentation)
share <- function(what, design, formula = ~y) {
  known <- eval(bquote(subset(design, !is.na(.(formula[[2]])))))
  m <- svymean(formula, known)
  p <- coef(m)[[1]]; se <- SE(m)[[1]]; n <- nrow(known); df <- degf(known)
  k <- korn_graubard(p, se, n, df)
  row(what, p, se, df, k[1], k[2], n, verdict(p, n, k[3], k[1], k[2], df))
}
log_ratio <- function(what, formula, design, name, family) {
  g <- fit(formula, design, family)
  complete <- subset(design, !is.na(y) & !is.na(x))
  row(what, coef(g)[[name]], sqrt(vcov(g)[name, name]), degf(complete), n = length(g$y))
}
answers <- function(source, design) {
  everyone <- subset(design, age >= 0)
  out <- list(share("prevalence all", everyone))
  for (b in bands) out[[length(out) + 1]] <- share(paste("prevalence", b), eval(bquote(subset(everyone, band == .(b)))))
  for (s in c("female", "male")) {
    of_sex <- eval(bquote(subset(everyone, sex == .(s))))
    out[[length(out) + 1]] <- share(paste("sex", s, "all"), of_sex)
    for (b in bands) out[[length(out) + 1]] <- share(paste("sex", s, b), eval(bquote(subset(of_sex, band == .(b)))))
  }
  for (level in c("true", "false")) {
    of_level <- eval(bquote(subset(everyone, x == .(as.numeric(level == "true")))))
    out[[length(out) + 1]] <- share(paste("exposure", level), of_level)
  }
  adults <- subset(everyone, age >= 20 & !is.na(y))
  cells <- svyby(~y, ~group, adults, svymean, covmat = TRUE)
  standard <- svycontrast(cells, shares$share / sum(shares$share))
  out[[length(out) + 1]] <- row("standardised all", coef(standard)[[1]], SE(standard)[[1]], degf(adults), n = nrow(adults))
  families <- c(odds = "quasibinomial", ratio = "quasipoisson")
  for (measure in names(families)) {
    family <- as.name(families[[measure]])
    out[[length(out) + 1]] <- log_ratio(paste(measure, "crude"), y ~ x, everyone, "x", family)
    out[[length(out) + 1]] <- log_ratio(paste(measure, "adjusted"), y ~ x + age + sex, everyone, "x", family)
  }
  out[[length(out) + 1]] <- log_ratio("trend", y ~ number, everyone, "number", as.name("quasibinomial"))
  known <- subset(everyone, !is.na(y))
  out[[length(out) + 1]] <- row("association", svychisq(~y + band, known, statistic = "F")$p.value[[1]])
  out[[length(out) + 1]] <- row("exposure by outcome", svychisq(~y + x, known, statistic = "F")$p.value[[1]], df = degf(known))
  ages <- svyby(~age, ~y, known, svymean, covmat = TRUE)
  difference <- svycontrast(ages, c(-1, 1))
  t <- coef(difference)[[1]] / SE(difference)[[1]]
  out[[length(out) + 1]] <- row("age difference", 2 * pt(-abs(t), degf(known)), df = degf(known))
  for (i in 1:2) {
    of_status <- eval(bquote(subset(known, y == .(i - 1))))
    name <- c("noncases", "cases")[i]
    out[[length(out) + 1]] <- row(paste("age of", name), coef(ages)[[i]], SE(ages)[[i]], n = nrow(of_status))
    out[[length(out) + 1]] <- row(paste("sd of", name), sqrt(coef(svyvar(~age, of_status))[[1]]))
    out[[length(out) + 1]] <- share(paste("exposed", name), of_status, ~x)
  }
  cbind(source = source, do.call(rbind, out))
}
