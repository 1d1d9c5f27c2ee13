#!/usr/bin/env Rscript
# Reference values for tests/statistics/test_domains.py, by R 4.2.2 with survey 4.1-1. Usage: Rscript tests/statistics/domains.R
# Three of thirteen strata have one PSU; groups by age and by the outcome lie in some strata only; districts are parts of regions.
suppressPackageStartupMessages(library(survey))
i <- 0:259
d <- data.frame(i = i, stratum = 1 + i %% 13, w = 1 + (i * 7) %% 5, age = 20 + (i * 37) %% 75, v = (i * 29) %% 17,
  x = as.numeric(i %% 3 == 0), y = (i * i + 2 * i) %% 11 < 2)
d$psu <- ifelse(d$stratum %in% c(2, 5, 9), 1, 1 + (i %/% 13) %% 2)
d$age <- ifelse(d$stratum == 4, 25, ifelse(d$stratum == 5 & d$age >= 60, 50, d$age))
d$y <- as.numeric(d$y & !d$stratum %in% c(2, 7))
d$g <- ifelse(d$age < 40, "a", ifelse(d$age < 60, "b", "c"))
d$district <- c("n1", "n2", "s1", "s2")[1 + i %% 4]
d$region <- substr(d$district, 1, 1)
say <- function(...) cat(sprintf("%.15g", c(...)), "\n")
for (option in c("certainty", "adjust", "average")) {
  options(survey.lonely.psu = option)
  design <- svydesign(~psu, strata = ~stratum, weights = ~w, data = d, nest = TRUE)
  standardised <- svymean(~y, svystandardize(design, by = ~g, over = ~1, population = c(0.5, 0.3, 0.2)))
  test <- svyttest(v ~ y, design)
  difference <- unname(test$estimate)
  cat(option, "")
  say(coef(standardised), SE(standardised), difference, difference / unname(test$statistic))
}
options(survey.lonely.psu = "certainty")
design <- svydesign(~psu, strata = ~stratum, weights = ~w, data = d, nest = TRUE)
for (family in list(quasibinomial(), quasipoisson())) {
  start <- NULL
  for (again in 1:4) { # its standard errors lag the coefficients by one step; a smaller epsilon would miss what is aliased
    model <- do.call(svyglm, list(y ~ x + district + region, design = design, family = family, start = start,
      control = list(epsilon = 1e-10, maxit = 200)))
    start <- ifelse(is.na(model$coefficients), 0, model$coefficients)
  }
  cat(family$family, setdiff(names(model$coefficients), names(coef(model))), "")
  say(coef(model)[["x"]], sqrt(vcov(model)["x", "x"]), degf(design))
}
# differences of rows of one table, of which each has lonely strata of its own; that of standardised rows as the total of its
# influences, as svyby of a standardised design stops
a <- c(a = 0.5, b = 0.3, c = 0.2)
cell <- paste(d$region, d$g)
total <- tapply(d$w, cell, sum); share <- tapply(d$w * d$y, cell, sum) / total
standardised <- sapply(c("n", "s"), function(r) sum(a * share[paste(r, names(a))]))
d$z <- ifelse(d$region == "n", 1, -1) * a[d$g] * (d$y - share[cell]) / total[cell]
for (option in c("certainty", "adjust", "average")) {
  options(survey.lonely.psu = option)
  design <- svydesign(~psu, strata = ~stratum, weights = ~w, data = d, nest = TRUE)
  contrast <- svycontrast(svyby(~y, ~g, design, svymean, covmat = TRUE), c(a = 1, c = -1))
  cat(option, "differences", "")
  say(coef(contrast), SE(contrast), standardised[["n"]] - standardised[["s"]], SE(svytotal(~z, design)))
}
