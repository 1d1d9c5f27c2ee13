#!/usr/bin/env Rscript
# Adjustment for a number: linear, with its square, as a natural spline. Reference values by R 4.2.2, survey 4.1-1.
# Usage: Rscript make_adjusted.R CASES DIR   (reads CASES/survey_panel, writes DIR/out_adjusted.csv)
suppressPackageStartupMessages({library(survey); library(splines)})
arguments <- commandArgs(TRUE)
read <- function(wave) read.csv(file.path(arguments[1], paste0("survey_panel/people_", wave, ".csv")), colClasses = c(st = "character"))
d <- rbind(read("first"), read("second"))
d$sex <- factor(d$sex)
design <- svydesign(ids = ~ps, strata = ~st, weights = ~w, data = d)
fit <- function(form, formula) {
  f <- function(start) eval(bquote(svyglm(.(formula), design, family = quasibinomial(), start = .(start),
    control = list(epsilon = 1e-14, maxit = 200))))
  g <- f(as.numeric(coef(f(NULL))))
  data.frame(form = form, estimate = coef(g)[["x"]], se = sqrt(vcov(g)["x", "x"]), df = degf(design))
}
out <- rbind(
  fit("linear", y ~ x + sex + age),
  fit("quadratic", y ~ x + sex + age + I(age^2)),
  fit("spline", y ~ x + sex + ns(age, knots = c(45, 60), Boundary.knots = c(30, 75))))
for (j in c("estimate", "se")) out[[j]] <- formatC(out[[j]], digits = 17, format = "g", width = 1)
write.csv(out, file.path(arguments[2], "out_adjusted.csv"), row.names = FALSE, quote = FALSE)
