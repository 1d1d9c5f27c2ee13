#!/usr/bin/env Rscript
# Likelihood intervals of proportions by R 4.2.2, survey 4.1-1, with a fine profile: svyciprop(method = "likelihood") interpolates
# between some ten points of the profile, which costs it 1e-3 for rare outcomes; here there are a thousand on each side.
# Usage: Rscript make_likelihood.R DIR   (reads DIR/in_nhanes_like.csv, writes DIR/out_likelihood.csv)
suppressPackageStartupMessages(library(survey))
options(digits = 17, survey.lonely.psu = "fail")
dir <- commandArgs(TRUE)[1]
d <- read.csv(file.path(dir, "in_nhanes_like.csv"))
des <- svydesign(id = ~psu, strata = ~stratum, weights = ~wt, data = d, nest = TRUE)
bands <- sort(unique(d$age_band))
doms <- list(all = rep(TRUE, nrow(d)))
for (b in bands) doms[[paste0("age_band=", b)]] <- d$age_band == b
for (s in c("F", "M")) doms[[paste0("sex=", s)]] <- d$sex == s
for (b in bands) for (s in c("F", "M")) doms[[paste0("age_band=", b, "|sex=", s)]] <- d$age_band == b & d$sex == s
doms[["adult_drug_rare"]] <- d$age >= 20 & d$drug_rare == 1
doms[["stratum<=3"]] <- d$stratum <= 3
doms[["one_psu_domain"]] <- !(d$stratum == 1 & d$psu == 2)
eps <- list(epsilon = 1e-14, maxit = 200)
rows <- list()
for (yv in c("y", "y_rare")) for (nm in names(doms)) {
  sub <- subset(des, doms[[nm]] & !is.na(d[[yv]]))
  p <- as.numeric(coef(svymean(as.formula(paste0("~", yv)), sub)))
  if (p %in% c(0, 1)) next
  m <- eval(bquote(svyglm(.(as.formula(paste0(yv, " ~ 1"))), sub, family = quasibinomial(), control = eps)))
  df <- degf(sub)
  z <- qt(.975, df) * sqrt(m$cov.unscaled[1, 1] / m$naive.cov[1, 1])
  ci <- confint(m, 1, level = .95, method = "likelihood", ddf = df, del = z / 1000, maxsteps = 4000)
  rows[[length(rows) + 1]] <- data.frame(outcome = yv, domain = nm, lower = plogis(ci[[1]]), upper = plogis(ci[[2]]))
}
out <- do.call(rbind, rows)
for (j in names(out)) if (is.double(out[[j]])) out[[j]] <- formatC(out[[j]], digits = 17, format = "g", width = 1)
write.csv(out, file.path(dir, "out_likelihood.csv"), row.names = FALSE, quote = FALSE)
