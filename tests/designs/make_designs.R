#!/usr/bin/env Rscript
# Small samples of each kind of design, of the public data of R's survey package, and what R answers to the questions of the report.
# Usage: Rscript make_designs.R ROOT (of the checkout). Writes ROOT/tests/designs/data/*.csv. Run with R 4.2.2, survey 4.1-1.
# Schools stand in for people: the share of pupils with free meals for an age, and elementary schools for one sex.
root <- commandArgs(TRUE)[1]
options(digits = 17, survey.lonely.psu = "fail")
source(file.path(root, "tests/designs/answers.R"))
folder <- file.path(root, "tests/designs/data")
data(api)
schools <- function(d) {
  prepared(data.frame(id = seq_len(nrow(d)), age = d$meals, sex = ifelse(d$stype == "E", "female", "male"),
    y = as.numeric(d$sch.wide == "Yes"), x = as.numeric(d$ell > 20), type = as.character(d$stype), district = d$dnum, weight = d$pw, fpc = d$fpc))
}
columns <- c("id", "age", "sex", "y", "x")
written <- function(name, d, more) {
  kept <- d[, c(columns, more)]
  for (j in names(kept)) if (is.double(kept[[j]])) kept[[j]] <- ifelse(is.na(kept[[j]]), "", formatC(kept[[j]], digits = 17, format = "g", width = 1))
  write.csv(kept, file.path(folder, paste0(name, ".csv")), row.names = FALSE, quote = FALSE, na = "")
}
all <- list()

# strata of text, schools drawn one by one from a finite population
strat <- schools(apistrat)
strat$type <- c(E = "elementary school", H = "high school", M = "middle school")[strat$type]
written("strat", strat, c("type", "weight", "fpc"))
all$strat <- answers("strat", svydesign(ids = ~1, strata = ~type, weights = ~weight, fpc = ~fpc, data = strat))

# districts drawn from a finite population without strata; their names are text
clus <- schools(apiclus1)
clus$district <- paste("district", clus$district)
written("clus", clus, c("district", "weight", "fpc"))
all$clus <- answers("clus", svydesign(ids = ~district, weights = ~weight, fpc = ~fpc, data = clus))

# the same districts with replacement, weights calibrated to the numbers of schools of each type
totals <- c(`(Intercept)` = 6194, stypeH = 755, stypeM = 1018)
apiclus1$stype <- factor(apiclus1$stype)
calibrated <- calibrate(svydesign(ids = ~dnum, weights = ~pw, data = apiclus1), ~stype, totals)
clus$weight <- weights(calibrated)
clus$number <- apiclus1$dnum
written("calibrated", clus, c("number", "weight"))
clus <- schools(apiclus1)
clus$weight <- weights(calibrated)
all$calibrated <- answers("calibrated", svydesign(ids = ~district, weights = ~weight, data = clus))

# replicate weights: the districts left out one by one, about the estimate
numbered <- function(design) { w <- as.data.frame(as.matrix(weights(design, "analysis"))); names(w) <- paste0("r", seq_along(w)); w }
clus <- schools(apiclus1)
jack <- as.svrepdesign(svydesign(ids = ~district, weights = ~weight, data = clus), type = "JK1", mse = TRUE)
clus <- cbind(clus, numbered(jack))
written("jk1", clus, c("weight", paste0("r", 1:15)))
all$jk1 <- answers("jk1", jack)

# every twelfth person of nhanes with Fay's weights, rounded as they are published, about their mean
data(nhanes)
people <- nhanes[nhanes$SDMVPSU < 3, ]
people <- people[seq(1, nrow(people), 12), ]
people <- prepared(data.frame(id = seq_len(nrow(people)), age = c(15, 30, 50, 65)[as.numeric(people$agecat)],
  sex = ifelse(people$RIAGENDR == 1, "male", "female"), y = people$HI_CHOL, x = as.numeric(people$race == 2),
  stratum = people$SDMVSTRA, psu = people$SDMVPSU, weight = round(people$WTMEC2YR)))
sampled <- svydesign(ids = ~psu, strata = ~stratum, weights = ~weight, data = people, nest = TRUE)
fay <- as.svrepdesign(sampled, type = "Fay", fay.rho = 0.3)
rounded <- round(numbered(fay))
people <- cbind(people, rounded)
written("fay", people, c("weight", names(rounded)))
all$fay <- answers("fay", svrepdesign(data = people, repweights = "^r[0-9]+$", weights = ~weight, type = "Fay", rho = 0.3, mse = FALSE))

# survival of cardiac arrest by balanced half samples, as in ?svrepdesign, a person a row
data(scd)
halves <- 2 * cbind(c(1, 0, 1, 0, 1, 0), c(1, 0, 0, 1, 0, 1), c(0, 1, 1, 0, 0, 1), c(0, 1, 0, 1, 1, 0))
crews <- scd[rep(1:6, scd$arrests), ]
crews <- prepared(data.frame(id = seq_len(nrow(crews)), age = 20 * crews$ESA, sex = ifelse(crews$ambulance == 1, "male", "female"),
  y = unlist(mapply(function(n, alive) rep(c(1, 0), c(alive, n - alive)), scd$arrests, scd$alive)), x = crews$ambulance - 1, weight = 1,
  setNames(as.data.frame(halves[rep(1:6, scd$arrests), ]), paste0("r", 1:4))))
written("brr", crews, c("weight", paste0("r", 1:4)))
brr <- suppressWarnings(svrepdesign(data = crews, repweights = "^r[0-9]+$", weights = ~weight, type = "BRR"))
ratio <- svyratio(~alive, ~arrests, suppressWarnings(svrepdesign(data = scd, type = "BRR", repweights = halves, weights = ~rep(1, 6), combined.weights = FALSE)))
stopifnot(all.equal(c(coef(ratio), SE(ratio)), c(coef(svymean(~y, brr)), SE(svymean(~y, brr))), check.attributes = FALSE))
all$brr <- cbind(source = "brr", share("prevalence all", brr))

# missing outcomes and exposures of the sample of nhanes filled in five times; districts and strata as they were drawn
set.seed(5)
known <- people[, c(columns, "stratum", "psu", "weight")]
known$x[sample(nrow(known), 90)] <- NA
draw <- function(formula, d) {
  model <- glm(formula, binomial(), d)
  rbinom(nrow(d), 1, predict(model, d, type = "response"))
}
filled <- lapply(1:5, function(k) {
  d <- known
  d$x <- ifelse(is.na(known$x), draw(x ~ age + sex, known), known$x)
  d$y <- ifelse(is.na(known$y), draw(y ~ age + sex, known), known$y)
  d
})
for (k in 1:5) { known[[paste0("x", k)]] <- filled[[k]]$x; known[[paste0("y", k)]] <- filled[[k]]$y }
written("imputed", known, c("stratum", "psu", "weight", paste0("x", 1:5), paste0("y", 1:5)))
of_each <- lapply(filled, function(d) answers("imputed", svydesign(ids = ~psu, strata = ~stratum, weights = ~weight, data = prepared(d), nest = TRUE)))
# Rubin 1987, with the degrees of freedom of Barnard and Rubin 1999 by their formula (MIcombine leaves a (1 + 1/m) out)
pooled <- of_each[[1]]
pooled$exact <- NA
for (i in seq_len(nrow(pooled))) {
  rows <- do.call(rbind, lapply(of_each, function(one) one[i, ]))
  what <- pooled$what[i]; m <- nrow(rows)
  if (startsWith(what, "sd of")) { pooled$estimate[i] <- sqrt(mean(rows$estimate^2)); next }
  if (what %in% c("association", "exposure by outcome")) { pooled$estimate[i] <- NA; pooled$df[i] <- NA; next }
  if (what == "age difference") next
  estimate <- mean(rows$estimate); within <- mean(rows$se^2); total <- within + (1 + 1 / m) * var(rows$estimate)
  combined <- mitools::MIcombine(as.list(rows$estimate), as.list(rows$se^2))
  if (within > 0) stopifnot(all.equal(c(estimate, total), c(coef(combined)[[1]], combined$variance[[1]])))
  d <- min(rows$df); lambda <- (1 + 1 / m) * var(rows$estimate) / total
  df <- 1 / (lambda^2 / (m - 1) + 1 / ((d + 1) / (d + 3) * d * (1 - lambda)))
  if (total == 0) df <- d
  pooled$estimate[i] <- estimate; pooled$se[i] <- sqrt(total); pooled$df[i] <- floor(df); pooled$exact[i] <- df
  if (!is.na(pooled$lower[i])) {
    n <- min(rows$n); k <- korn_graubard(estimate, sqrt(total), n, df)
    pooled$lower[i] <- k[1]; pooled$upper[i] <- k[2]; pooled$presentation[i] <- verdict(estimate, n, k[3], k[1], k[2], df)
  }
}
ages <- lapply(filled, function(d) {
  by <- svyby(~age, ~y, svydesign(ids = ~psu, strata = ~stratum, weights = ~weight, data = prepared(d), nest = TRUE), svymean, covmat = TRUE)
  svycontrast(by, c(-1, 1))
})
b <- var(sapply(ages, coef)); total <- mean(sapply(ages, SE)^2) + 1.2 * b; lambda <- 1.2 * b / total; d <- of_each[[1]]$df[of_each[[1]]$what == "age difference"]
df <- 1 / (lambda^2 / 4 + 1 / ((d + 1) / (d + 3) * d * (1 - lambda)))
i <- which(pooled$what == "age difference")
pooled$estimate[i] <- 2 * pt(-abs(mean(sapply(ages, coef)) / sqrt(total)), df); pooled$df[i] <- floor(df); pooled$exact[i] <- df
for (name in names(all)) all[[name]]$exact <- all[[name]]$df
all$imputed <- pooled

# every method, on one share and one odds ratio
methods <- list()
replicated <- function(name, design) {
  known <- subset(design, !is.na(y))
  m <- svymean(~y, known)
  old <- svymean(~y, subset(known, age > 40))
  g <- fit(y ~ x + age, design, as.name("quasibinomial"))
  b <- svychisq(~y + sex, known, statistic = "F")
  methods[[name]] <<- data.frame(method = name, scale = design$scale, rscale = design$rscales[1], mse = design$mse, estimate = coef(m)[[1]],
    se = SE(m)[[1]], se_old = SE(old)[[1]], df = degf(known), df_old = degf(subset(known, age > 40)), log_odds = coef(g)[["x"]],
    se_odds = sqrt(vcov(g)["x", "x"]), p_value = b$p.value[[1]])
  w <- numbered(design)
  cbind(setNames(round(w, 6), paste(name, seq_along(w), sep = "_")))
}
some <- people[people$stratum < 81, c(columns, "stratum", "psu", "weight")]
some$weight <- some$weight / 1000
sampled <- svydesign(ids = ~psu, strata = ~stratum, weights = ~weight, data = some, nest = TRUE)
again <- function(w, ...) { names(w) <- paste0("r", seq_along(w)); svrepdesign(data = cbind(some, w), repweights = "^r[0-9]+$", weights = ~weight, ...) }
set.seed(20261129)
kinds <- list(brr = as.svrepdesign(sampled, type = "BRR"), fay = as.svrepdesign(sampled, type = "Fay", fay.rho = 0.5),
  jkn = as.svrepdesign(sampled, type = "JKn"), bootstrap = as.svrepdesign(sampled, type = "subbootstrap", replicates = 20))
kinds <- lapply(kinds, function(k) round(numbered(k), 6))
wide <- some
wide <- cbind(wide, replicated("brr", again(kinds$brr, type = "BRR")))
wide <- cbind(wide, replicated("fay", again(kinds$fay, type = "Fay", rho = 0.5, mse = TRUE)))
wide <- cbind(wide, replicated("jkn", again(kinds$jkn, type = "JKn", rscales = rep(0.5, 12), scale = 1)))
wide <- cbind(wide, replicated("bootstrap", again(kinds$bootstrap, type = "bootstrap")))
wide <- cbind(wide, replicated("successive_difference", again(kinds$brr, type = "successive-difference", mse = TRUE)))
wide <- cbind(wide, replicated("jk1", again(kinds$jkn, type = "JK1", scale = 0.9)))
wide <- cbind(wide, replicated("other", again(kinds$bootstrap, type = "other", scale = 0.04, rscales = rep(1.5, 20))))
wide$band <- wide$number <- wide$group <- NULL
write.csv(wide, file.path(folder, "replicated.csv"), row.names = FALSE, quote = FALSE, na = "")
methods <- do.call(rbind, methods)
for (j in names(methods)) if (is.double(methods[[j]])) methods[[j]] <- formatC(methods[[j]], digits = 17, format = "g", width = 1)
write.csv(methods, file.path(folder, "methods.csv"), row.names = FALSE, quote = FALSE, na = "")

out <- do.call(rbind, all)
for (j in names(out)) if (is.double(out[[j]])) out[[j]] <- ifelse(is.na(out[[j]]), "", formatC(out[[j]], digits = 17, format = "g", width = 1))
write.csv(out, file.path(folder, "expected.csv"), row.names = FALSE, quote = FALSE, na = "")
