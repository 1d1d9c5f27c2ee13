# What R gives for the counts of data_contracts/evidence/estimates.csv: Rscript counts.R estimates.csv > counts.csv
# A share: prop.test without correction (Wilson's score interval). A ratio: a binomial model of the exposure with the logit or the
# log link, and its Wald interval (Woolf's, Katz's).
estimates <- read.csv(commandArgs(TRUE)[1], colClasses = "character")
precise <- glm.control(epsilon = 1e-12, maxit = 100)
cat("evidence_id,recomputed,recomputed_lower,recomputed_upper\n")
for (i in which(estimates$exposed_cases != "")) {
  row <- estimates[i, ]
  a <- as.numeric(row$exposed_cases)
  b <- as.numeric(row$exposed_noncases)
  if (row$measure == "prevalence") {
    found <- c(a / (a + b), prop.test(a, a + b, correct = FALSE)$conf.int)
  } else {
    counts <- rbind(c(a, b), as.numeric(c(row$unexposed_cases, row$unexposed_noncases)))
    link <- if (row$measure == "risk ratio") "log" else "logit"
    start <- if (link == "log") c(log(counts[2, 1] / sum(counts[2, ])), 0) else NULL
    model <- glm(counts ~ c(1, 0), family = binomial(link), control = precise, start = start)
    found <- exp(c(coef(model)[2], confint.default(model)[2, ]))
  }
  cat(row$evidence_id, sprintf("%.15g", found), sep = ",")
  cat("\n")
}
