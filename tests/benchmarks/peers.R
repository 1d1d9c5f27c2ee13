# The tasks of tests/benchmarks/peers.py by R's survey package: Rscript peers.R TASK CSV prints seconds, then name and number on each line.
# Reading the file is not counted.
suppressMessages({library(survey); library(data.table)})
options(digits = 17, survey.lonely.psu = "fail")
arguments <- commandArgs(trailingOnly = TRUE)
people <- as.data.frame(fread(arguments[2]))
seconds <- function(started) {
  used <- proc.time() - started
  cat("seconds", used[["elapsed"]], "\ncpu", used[["user.self"]] + used[["sys.self"]], "\n")
}
say <- function(name, value) cat(name, format(value, digits = 17), "\n")
started <- proc.time()
design <- svydesign(~psu, strata = ~stratum, weights = ~weight, data = people, nest = TRUE)
if (arguments[1] == "prevalence") {
  found <- svyby(~y, ~age_band, design, svymean)
  seconds(started)
  for (i in seq_len(nrow(found))) {
    say(paste0("p", found$age_band[i]), found$y[i])
    say(paste0("se", found$age_band[i]), found$se[i])
  }
} else {
  model <- svyglm(y ~ takes_drug + age_years + sex + factor(race), design = design, family = quasibinomial(),
                  control = list(epsilon = 1e-14, maxit = 50))
  seconds(started)
  # vcov() has the working weights of the iteration before the last: one more from the end, which is not counted
  model <- update(model, start = coef(model))
  error <- sqrt(diag(vcov(model)))
  for (name in c("takes_drug", "age_years", "sex")) {
    say(name, coef(model)[[name]])
    say(paste0("se_", name), error[[name]])
  }
}
