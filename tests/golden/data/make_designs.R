#!/usr/bin/env Rscript
# What a source's file may say of its design (lonely_psu, panel): reference values by R 4.2.2, survey 4.1-1.
# Usage: Rscript make_designs.R CASES DIR   (reads CASES/survey_lonely and CASES/survey_panel, writes DIR/out_designs.csv)
suppressPackageStartupMessages(library(survey))
options(digits = 17)
arguments <- commandArgs(TRUE)
cases <- arguments[1]; dir <- arguments[2]
eps <- list(epsilon = 1e-14, maxit = 200)
bounds <- c(16, 20, 30, 40, 50, 60, 70, 80, 1000)
prepared <- function(d) {
  d$band <- cut(d$age, bounds, right = FALSE)
  d$number <- as.numeric(d$band) - 1
  d$sex <- factor(d$sex)
  d$wanted <- cut(d$age, c(20, 40, 60, 1000), right = FALSE)
  d
}
# the three groups of the standard us_2000_adults_three_groups
shares <- read.csv(file.path(cases, "../../../data_contracts/standard_populations.csv"))
shares <- shares[shares$standard_population == "us_2000_adults_three_groups", ]
fit <- function(formula, design) {
  g <- eval(bquote(svyglm(.(formula), design, family = quasibinomial(), control = eps)))
  g <- eval(bquote(svyglm(.(formula), design, family = quasibinomial(), control = eps, start = .(as.numeric(coef(g))))))
  g
}
answers <- function(name, design) {
  adults <- subset(design, age >= 20)
  old <- subset(design, age >= 60)
  p <- svymean(~y, adults); q <- svymean(~y, old)
  bands <- svyby(~y, ~band, design, svymean)
  crude <- fit(y ~ x, adults); full <- fit(y ~ x + band + sex, adults); trended <- fit(y ~ number, adults)
  level <- rao <- svychisq(~y + sex, adults, statistic = "F")
  ages <- svyby(~age, ~y, adults, svymean, covmat = TRUE)
  difference <- svycontrast(ages, c(-1, 1))
  cells <- svyby(~y, ~wanted, adults, svymean, covmat = TRUE)
  standard <- svycontrast(cells, shares$share / sum(shares$share))
  ranked <- svyranktest(id ~ y, adults)
  data.frame(case = name, what = c("adults", "sixty", paste("band", as.character(bands$band)), "crude", "adjusted", "trend",
      "sex by outcome", "age of cases", "age of noncases", "age difference", "standardised", "rank of id"),
    estimate = c(coef(p), coef(q), bands$y, coef(crude)[["x"]], coef(full)[["x"]], coef(trended)[["number"]], rao$p.value,
      coef(ages)[[2]], coef(ages)[[1]], coef(difference), coef(standard), ranked$estimate[[1]]),
    se = c(SE(p), SE(q), bands$se, sqrt(vcov(crude)["x", "x"]), sqrt(vcov(full)["x", "x"]),
      sqrt(vcov(trended)["number", "number"]), NA, SE(ages)[[2]], SE(ages)[[1]], SE(difference), SE(standard),
      abs(ranked$estimate[[1]] / ranked$statistic[[1]])),
    df = c(degf(adults), degf(old), rep(NA, nrow(bands)), rep(degf(adults), 3), rep(NA, 4), degf(adults), NA))
}
lonely <- prepared(read.csv(file.path(cases, "survey_lonely/people_2020.csv")))
panel <- prepared(rbind(
  cbind(wave = "first", read.csv(file.path(cases, "survey_panel/people_first.csv"), colClasses = c(st = "character"))),
  cbind(wave = "second", read.csv(file.path(cases, "survey_panel/people_second.csv"), colClasses = c(st = "character")))))
out <- list()
for (option in c("certainty", "adjust", "average")) {
  options(survey.lonely.psu = option)
  out[[option]] <- answers(option, svydesign(ids = ~ps, strata = ~st, weights = ~w, data = lonely, nest = TRUE))
}
options(survey.lonely.psu = "fail")
out$panel <- answers("panel", svydesign(ids = ~ps, strata = ~st, weights = ~w, data = panel))
panel$crossed <- paste(panel$wave, panel$st)
out$rounds <- answers("rounds", svydesign(ids = ~ps, strata = ~crossed, weights = ~w, data = panel, nest = TRUE))
out <- do.call(rbind, out)
for (j in names(out)) if (is.double(out[[j]])) out[[j]] <- ifelse(is.na(out[[j]]), "", formatC(out[[j]], digits = 17, format = "g", width = 1))
write.csv(out, file.path(dir, "out_designs.csv"), row.names = FALSE, quote = TRUE, na = "")
