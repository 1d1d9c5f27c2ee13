# Designs with one PSU in all, or with one PSU in each stratum, in R's survey package: what it gives for a standard error.
# Run: Rscript tests/statistics/one_psu.R
suppressMessages(library(survey))
people <- data.frame(
  stratum = 1, psu = 1, weight = rep(c(1, 2), 4), y = c(0, 1, 1, 0, 0, 1, 0, 1), stringsAsFactors = FALSE
)
said <- function(se) tryCatch(format(as.numeric(se), digits = 15), error = function(error) conditionMessage(error))
for (lonely in c("fail", "certainty", "adjust", "average")) {
  options(survey.lonely.psu = lonely)
  cat(lonely, "without strata:", said(SE(svymean(~y, svydesign(ids = ~psu, weights = ~weight, data = people)))), "\n")
  cat(lonely, "in one stratum:",
      said(SE(svymean(~y, svydesign(ids = ~psu, strata = ~stratum, weights = ~weight, data = people)))), "\n")
  apart <- transform(people, stratum = rep(1:2, each = 4), psu = rep(1:2, each = 4))
  cat(lonely, "in two strata: ",
      said(SE(svymean(~y, svydesign(ids = ~psu, strata = ~stratum, weights = ~weight, data = apart)))), "\n")
}
