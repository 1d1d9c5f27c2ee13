# Base R only. The trials of magnesium in pregnancy (women free of cramps at the end of treatment) from their counts: log risk
# ratios, restricted likelihood, the interval of Hartung, Knapp, Sidik and Jonkman, Q-profile limits, I-squared, and the prediction
# interval by t(k - 2). Rscript synthesis.R > synthesis.csv
options(digits = 17)
free <- c(dahle1995 = 11, araujo2020 = 18, pjmhs2022 = 45); n <- c(34, 66, 100)
free_of_placebo <- c(2, 21, 26); n_of_placebo <- c(35, 66, 100)
y <- log((free / n) / (free_of_placebo / n_of_placebo)); v <- 1/free - 1/n + 1/free_of_placebo - 1/n_of_placebo
k <- length(y)
emit <- function(name, x) cat(name, sprintf("%.17g", x), sep = ",", fill = TRUE)
mean_at <- function(t2) sum(y / (v + t2)) / sum(1 / (v + t2))
q_at <- function(t2) sum((y - mean_at(t2))^2 / (v + t2))
likelihood <- function(t2) -.5 * (sum(log(v + t2)) + log(sum(1 / (v + t2))) + q_at(t2))
score <- function(t2) { w <- 1 / (v + t2); sum(w^2 * (y - mean_at(t2))^2) - sum(w) + sum(w^2) / sum(w) }
t2 <- uniroot(score, c(0, 50), tol = 1e-15, maxiter = 10000)$root
stopifnot(abs(optimise(likelihood, c(0, 50), maximum = TRUE, tol = 1e-10)$maximum - t2) < 1e-6)
w <- 1 / (v + t2); mu <- mean_at(t2); se <- sqrt(1 / sum(w)); hksj <- sqrt(sum(w * (y - mu)^2) / ((k - 1) * sum(w)))
typical <- (k - 1) * sum(1 / v) / (sum(1 / v)^2 - sum(1 / v^2))
profile <- function(p) uniroot(function(x) q_at(x) - qchisq(p, k - 1), c(0, 1e4), tol = 1e-15, maxiter = 10000)$root
limits <- c(profile(.975), profile(.025))
cat("name,value\n")
for (i in 1:k) {
  emit(paste0("ratio_", names(free)[i]), exp(y[i])); emit(paste0("weight_", names(free)[i]), w[i] / sum(w))
  emit(paste0("lower_", names(free)[i]), exp(y[i] - qnorm(.975) * sqrt(v[i])))
  emit(paste0("upper_", names(free)[i]), exp(y[i] + qnorm(.975) * sqrt(v[i])))
}
emit("estimate", exp(mu)); emit("lower", exp(mu - qt(.975, k - 1) * hksj)); emit("upper", exp(mu + qt(.975, k - 1) * hksj))
emit("normal_lower", exp(mu - qnorm(.975) * se)); emit("normal_upper", exp(mu + qnorm(.975) * se))
emit("prediction_lower", exp(mu - qt(.975, k - 2) * sqrt(t2 + se^2)))
emit("prediction_upper", exp(mu + qt(.975, k - 2) * sqrt(t2 + se^2)))
emit("tau_squared", t2); emit("tau_squared_lower", limits[1]); emit("tau_squared_upper", limits[2])
emit("i_squared", t2 / (t2 + typical)); emit("i_squared_lower", limits[1] / (limits[1] + typical))
emit("i_squared_upper", limits[2] / (limits[2] + typical))
emit("q", q_at(0)); emit("q_p_value", pchisq(q_at(0), k - 1, lower.tail = FALSE))
