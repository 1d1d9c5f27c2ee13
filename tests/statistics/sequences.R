# Reference values for tests/statistics/test_sequences.py, by base R 4. Run in the root of the project:
#   Rscript tests/statistics/sequences.R
options(digits = 15)
z <- qnorm(0.975)
tight <- function(f, lower, upper) uniroot(f, c(lower, upper), tol = 1e-15, maxiter = 1000)$root

# The score interval of a ratio of two Poisson counts over the same time, by its equation
score_ratio <- function(x, y) {
  off <- function(log_ratio, sign) { ratio <- exp(log_ratio); (x - ratio * y) / sqrt(ratio * (x + y)) - sign * z }
  exp(c(tight(function(r) off(r, 1), -8, 8), tight(function(r) off(r, -1), -8, 8)))
}
for (pairs in list(c(1235, 682), c(174, 49), c(9, 4), c(3, 0.0))) {
  if (pairs[2] > 0) cat("score", pairs, score_ratio(pairs[1], pairs[2]), "\n")
}

# Miettinen and Nurminen's interval of an odds ratio: the null model by glm with the log odds ratio as an offset
score_odds <- function(a, b, c, d) {
  statistic <- function(log_ratio) {
    null <- glm(cbind(c(a, c), c(b, d)) ~ 1, offset = c(log_ratio, 0), family = binomial,
                control = list(epsilon = 1e-15, maxit = 200))
    p <- fitted(null); n <- c(a + b, c + d); N <- sum(n)
    variance <- 1 / sum(1 / (n * p * (1 - p))) * N / (N - 1)
    (a - n[1] * p[1]) / sqrt(variance)
  }
  middle <- log(a * d / (b * c))
  limits <- exp(c(tight(function(r) statistic(r) - z, middle - 3, middle), tight(function(r) statistic(r) + z, middle, middle + 3)))
  c(a * d / (b * c), limits, 2 * pnorm(-abs(statistic(0))))
}
cat("active comparator 174 49 120 80:", score_odds(174, 49, 120, 80), "\n")
cat("active comparator 9 4 5 8:", score_odds(9, 4, 5, 8), "\n")

# The order of the golden people within 365 days by the number of the person, as if it were an age, and by its parity
people <- read.csv("tests/golden/data/in_ssa.csv")
after <- people$marker_day - people$index_day
pairs <- people[!is.na(after) & after != 0 & abs(after) <= 365, ]
pairs$first <- pairs$marker_day > pairs$index_day
pairs$age <- (pairs$person %% 60 + 20) / 10
pairs$female <- pairs$person %% 2
pairs$age <- pairs$age - mean(pairs$age); pairs$female <- pairs$female - mean(pairs$female)
model <- glm(first ~ age + female, data = pairs, family = binomial, control = list(epsilon = 1e-15, maxit = 100))
one <- glm(first ~ 1, data = pairs, family = binomial, control = list(epsilon = 1e-15, maxit = 100))
error <- sqrt(diag(vcov(model)))
cat("order:", nrow(pairs), exp(coef(model)), exp(coef(model) - z * error), exp(coef(model) + z * error), "\n")
cat("order, p:", anova(one, model, test = "LRT")[2, 5], "log likelihood:", logLik(model), "\n")

# Rates over person-days with people as clusters
suppressMessages(library(survey))
diary <- data.frame(person = 1:6, cramps = c(0, 3, 1, 7, 0, 2), days = c(28, 30, 14, 29, 21, 30))
ratio <- svyratio(~cramps, ~days, svydesign(~person, data = diary, weights = ~1))
rate <- coef(ratio)[[1]]; se <- SE(ratio)[[1]]
cat("rate:", rate, se, rate * exp(c(-1, 1) * qt(0.975, 5) * se / rate), "\n")
cat("rate of none, upper:", poisson.test(0, 152)$conf.int[2], "\n")
