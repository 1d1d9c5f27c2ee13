#!/usr/bin/env Rscript
# Odds ratios of the samples of test_extremes.py, by R 4.2.2 with survey 4.1-1 and survival. Usage: Rscript tests/report/extremes.R
suppressPackageStartupMessages({library(survey); library(survival)})
i <- 0:239
d <- data.frame(i = i, stratum = 1 + i %/% 20, psu = 1 + (i %/% 10) %% 2, w = 1 + (i * 7) %% 5, age = 20 + (i * 13) %% 60,
  x = as.numeric((i * i + i) %% 5 < 2), y = as.numeric((3 * i * i + i %/% 3) %% 7 < 3),
  wd = ifelse(i %% 7 == 0, 0, 2 + (i * 3) %% 4),
  mg = ifelse(i %% 7 == 0 | i %% 11 == 3, NA, 150 + (i * 37) %% 211))
say <- function(name, b, se, df, level = 0.95) {
  half <- if (is.finite(df)) qt(1 - (1 - level) / 2, df) else qnorm(1 - (1 - level) / 2)
  cat(sprintf('("%s", %s): (%.15g, %.15g, %.15g),\n', name, level, exp(b), exp(b - half * se), exp(b + half * se)))
}
fit <- function(formula, design) {
  f <- function(start) eval(bquote(svyglm(.(formula), design, family = quasibinomial(), start = .(start),
    control = list(epsilon = 1e-14, maxit = 200))))
  f(as.numeric(coef(f(NULL))))
}
whole <- svydesign(ids = ~psu, strata = ~stratum, weights = ~w, data = d, nest = TRUE)
for (level in c(0.5, 0.8, 0.999)) {
  g <- fit(y ~ x + age, whole)
  say("age", coef(g)[["x"]], sqrt(vcov(g)["x", "x"]), degf(whole), level)
}
dietary <- svydesign(ids = ~psu, strata = ~stratum, weights = ~wd, data = d, nest = TRUE)
analysed <- subset(dietary, !is.na(mg) & wd > 0)
g <- fit(y ~ x + age + mg + I(mg^2), analysed)
say("dietary", coef(g)[["x"]], sqrt(vcov(g)["x", "x"]), degf(analysed))
cat("people analysed:", sum(!is.na(d$mg) & d$wd > 0), "with a dietary weight:", sum(d$wd > 0), "\n")
interview <- subset(whole, !is.na(mg))
g <- fit(y ~ x + age + mg + I(mg^2), interview)
say("interview", coef(g)[["x"]], sqrt(vcov(g)["x", "x"]), degf(interview))
matched <- function(name, set, case) {
  g <- clogit(case ~ x + strata(set), data = transform(d, case = case, set = set), method = "exact", control = coxph.control(eps = 1e-14, iter.max = 100))
  say(name, coef(g), sqrt(vcov(g))[1], Inf)
}
matched("two cases", i %/% 4, as.numeric(i %% 4 < 2))
matched("sizes", ifelse(i < 100, i %/% 2, 100 + i %/% 5), ifelse(i < 100, as.numeric(i %% 2 == 0), as.numeric(i %% 5 == 0)))
