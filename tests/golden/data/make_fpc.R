#!/usr/bin/env Rscript
# Finite population correction of the first stage: reference values by R 4.2.2, survey 4.1-1.
# Usage: Rscript make_fpc.R DIR   (reads DIR/in_nhanes_like.csv, writes DIR/out_fpc.csv)
suppressPackageStartupMessages(library(survey))
options(digits = 17, survey.lonely.psu = "fail")
dir <- commandArgs(TRUE)[1]
d <- read.csv(file.path(dir, "in_nhanes_like.csv"))
d$cluster <- d$stratum * 10 + d$psu
d$n_psus <- 2 + d$stratum               # 3 to 17 PSUs in the population of a stratum
d$n_psus[d$stratum == 1] <- 2           # a stratum sampled in full adds no variance
d$n_people <- 1000 + 100 * d$stratum    # people in the population of a stratum
d$n_all <- 40; d$n_everybody <- 20000
Q <- quasibinomial(); eps <- list(epsilon = 1e-14, maxit = 200)
designs <- list(
  psus = svydesign(id = ~psu, strata = ~stratum, weights = ~wt, fpc = ~n_psus, data = d, nest = TRUE),
  clusters_no_strata = svydesign(id = ~cluster, weights = ~wt, fpc = ~n_all, data = d),
  stratified_elements = svydesign(id = ~1, strata = ~stratum, weights = ~wt, fpc = ~n_people, data = d),
  simple_random = svydesign(id = ~1, weights = ~I(rep(1, nrow(d))), fpc = ~n_everybody, data = d))
rows <- lapply(names(designs), function(name) {
  z <- subset(designs[[name]], !is.na(y))
  m <- svymean(~y, z); a <- svymean(~y, subset(z, age_band == "60-69")); t_ <- svytotal(~y, z)
  g <- svyglm(y ~ drug + age + sex, designs[[name]], family = Q, control = eps)
  g <- eval(bquote(svyglm(y ~ drug + age + sex, designs[[name]], family = Q, control = eps, start = .(as.numeric(coef(g))))))
  data.frame(design = name, p = coef(m)[[1]], se = SE(m)[[1]], p_60_69 = coef(a)[[1]], se_60_69 = SE(a)[[1]],
    total = coef(t_)[[1]], total_se = SE(t_)[[1]], b_drug = coef(g)[["drug"]], se_b_drug = sqrt(diag(vcov(g)))[["drug"]])
})
out <- do.call(rbind, rows)
for (j in names(out)) if (is.double(out[[j]])) out[[j]] <- formatC(out[[j]], digits = 17, format = "g", width = 1)
write.csv(out, file.path(dir, "out_fpc.csv"), row.names = FALSE, quote = FALSE)
