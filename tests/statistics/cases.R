# Reference values for tests/statistics/test_cases.py, by R 4 with survey 4.1 and survival 3.5. Run in the root of the project:
#   Rscript tests/statistics/cases.R
suppressMessages({library(survey); library(survival)})
options(digits = 15)
cases <- "tests/cases/statistics"
strict <- list(epsilon = 1e-14, maxit = 200)

# survey_birthwt: women of 20 and older as a domain of all; the only one of 40 and older is no case
everybody <- read.csv(file.path(cases, "survey_birthwt/people_1986.csv"))
adjusted <- function(everybody, family) {
  everybody$band <- factor(everybody$age %/% 10)
  everybody$race <- factor(everybody$race)
  design <- subset(svydesign(~1, data = everybody, weights = ~1), age >= 20)
  people <- droplevels(subset(everybody, age >= 20))
  begin <- c(-1, rep(0, ncol(model.matrix(y ~ x + band + race, people)) - 1))
  model <- do.call(svyglm, list(y ~ x + band + race, design = design, family = family, control = strict, start = begin))
  log_ratio <- coef(model)["x"]
  margin <- qt(0.975, degf(design)) * sqrt(vcov(model)["x", "x"])
  c(degf(design), exp(c(log_ratio, log_ratio - margin, log_ratio + margin)))
}
cat("birthwt odds ratio, with her:   ", adjusted(everybody, quasibinomial()), "\n")
cat("birthwt odds ratio, without her:", adjusted(subset(everybody, age < 40), quasibinomial()), "\n")
cat("birthwt prevalence ratio:       ", adjusted(everybody, quasipoisson()), "\n")

# survey_bdendo: matched 1:4, who has no known exposure is dropped by clogit
sets <- read.csv(file.path(cases, "survey_bdendo/people_1976.csv"))
model <- clogit(cc ~ ob + strata(ms), data = sets, method = "exact")
cat("bdendo:", model$n, summary(model)$conf.int[c(1, 3, 4)], "\n")

# survey_nullcase: the sets in which every status is known; few of them are informative
sets <- read.csv(file.path(cases, "survey_nullcase/people_2001.csv"))
whole <- subset(sets, !ms %in% ms[is.na(cc)])
model <- clogit(cc ~ x + strata(ms), data = whole, method = "exact")
cat("nullcase:", model$n, summary(model)$conf.int[c(1, 3, 4)], "\n")
varied <- names(which(tapply(whole$x, whole$ms, function(x) length(unique(x))) > 1))
tables <- with(subset(whole, ms %in% varied), table(factor(x, c(1, 0)), factor(cc, c(1, 0)), factor(ms)))
r <- mantelhaen.test(tables, exact = TRUE)$conf.int  # its roots have four digits
exposed <- colSums(matrix(apply(tables, 3, function(t) t[1, ]), 2))
size <- apply(tables, 3, sum)
observed <- sum(tables[1, 1, ])
# one case a set, exposed with probability m psi / (m psi + others): the distribution of the sum, by convolution
at <- function(log_psi) {
  total <- 1
  for (k in seq_along(size)) {
    p <- exposed[k] * exp(log_psi) / (exposed[k] * exp(log_psi) + size[k] - exposed[k])
    total <- c(total * (1 - p), 0) + c(0, total * p)
  }
  total
}
upper_tail <- function(l) sum(at(l)[(observed + 1):(length(size) + 1)]) - 0.025
lower_tail <- function(l) sum(at(l)[1:(observed + 1)]) - 0.025
root <- function(f) exp(uniroot(f, c(-10, 20), tol = 1e-14)$root)
cat("nullcase exact:", r, "; to more digits:", root(upper_tail), root(lower_tail), "\n")

# a survey with a separated level of an adjuster: 6 strata of 2 PSUs, weights; nobody of level c has the outcome
survey <- data.frame(i = 0:119)
survey <- transform(survey,
  stratum = 1 + i %/% 20, psu = 1 + (i %/% 10) %% 2, weight = 1 + (i * 7) %% 5,
  x = (i %% 3 == 0) * 1, g = ifelse(i %% 11 == 0, "c", ifelse(i %% 2 == 0, "a", "b")),
  y = ((i * i + 3 * i) %% 7 < 3) * 1)
survey$y[survey$g == "c"] <- 0
design <- svydesign(~psu, strata = ~stratum, weights = ~weight, data = survey, nest = TRUE)
for (family in list(quasibinomial(), quasipoisson())) {
  model <- svyglm(y ~ x + g, design = design, family = family, control = strict, start = c(-1, 0, 0, 0))
  cat("survey:", degf(design), coef(model)["x"], sqrt(vcov(model)["x", "x"]), coef(model)["gb"], sqrt(vcov(model)["gb", "gb"]), "\n")
}
