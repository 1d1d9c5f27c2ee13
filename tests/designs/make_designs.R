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

out <- do.call(rbind, all)
for (j in names(out)) if (is.double(out[[j]])) out[[j]] <- ifelse(is.na(out[[j]]), "", formatC(out[[j]], digits = 17, format = "g", width = 1))
write.csv(out, file.path(folder, "expected.csv"), row.names = FALSE, quote = FALSE, na = "")
