#!/usr/bin/env Rscript
# Two waves of a panel: 12 strata and 36 PSUs with names, the same in both, and cramps that run in PSUs.
# Usage: Rscript make_people.R DIR   (writes DIR/people_first.csv and DIR/people_second.csv)
set.seed(20261128)
dir <- commandArgs(TRUE)[1]
strata <- c("coast north", "coast south", "hills north", "hills south", "plain 1", "plain 2", "plain 10", "river east",
            "river west", "town A", "town B", "01")
units <- expand.grid(ps = 1:3, st = strata, stringsAsFactors = FALSE)
units$ps <- paste0(substr(units$st, 1, 2), "-", units$ps, "-", match(units$st, strata))
units$effect <- rnorm(nrow(units), 0, 0.7)
id <- 0
for (wave in c("first", "second")) {
  rows <- do.call(rbind, lapply(seq_len(nrow(units)), function(i) {
    n <- sample(12:22, 1)
    age <- sample(20:89, n, replace = TRUE)
    x <- rbinom(n, 1, 0.35)
    y <- rbinom(n, 1, plogis(-1.6 + 0.015 * (age - 50) + 0.5 * x + units$effect[i]))
    data.frame(age = age, sex = sample(1:2, n, replace = TRUE), y = y, yf = y * rbinom(n, 1, 0.3), x = x,
      w = round(runif(n, 500, 2500), 3), st = units$st[i], ps = units$ps[i])
  }))
  rows <- cbind(id = id + seq_len(nrow(rows)), rows)
  id <- id + 10000
  write.csv(rows, file.path(dir, paste0("people_", wave, ".csv")), row.names = FALSE, quote = FALSE)
}
