#!/usr/bin/env Rscript
# Answers to 30 questions about the people of asked.py, by R with survey. Prints: question, row (from 0), estimate, standard error
# (of a ratio: of its logarithm), degrees of freedom.
suppressPackageStartupMessages(library(survey))
options(digits = 17)
made <- function(i) {
  d <- data.frame(stratum = 1 + (i %/% 60) %% 20, psu = 1 + (i %/% 20) %% 3)
  d$interview_weight <- (1 + (i * 7) %% 5) * 1000.25
  d$exam_weight <- ifelse(i %% 7 == 0, 0, 2 + (i * 3) %% 4) * 900.5
  d$age_years <- 20 + (i * 13) %% 60
  d$sex <- ifelse(i %% 3 == 0, "male", "female")
  d$activity_level <- ifelse(i %% 13 == 5, NA, c("none", "moderate", "vigorous")[(i * i) %% 11 %% 3 + 1])
  d$is_sedentary <- (i * i + i) %% 5 < 2
  d$takes_statin <- ifelse(i %% 17 == 3, NA, (i * 5) %% 9 == 0)
  d$has_cramps <- ifelse(i %% 19 == 7, NA, (3 * i * i + i %/% 3) %% 7 < 2 + (i %/% 240) %% 2)
  d$has_frequent_cramps <- (i * 11 + i %/% 7) %% 23 == 0
  d$bmi <- ifelse(i %% 7 != 0 & i %% 11 != 3, (150 + (i * 37) %% 211) / 7, NA)
  d
}
d <- made(0:2399); d$wave <- rep(c("2001", "2002"), each = 1200); d$apart <- paste(d$wave, d$stratum)
designed <- function(d, w) svydesign(ids = ~psu, strata = ~apart, weights = as.formula(paste0("~", w)), data = d, nest = TRUE)
designs <- list(
  "2001" = designed(d[d$wave == "2001", ], "interview_weight"), "2002" = designed(d[d$wave == "2002", ], "interview_weight"),
  pooled = designed(d, "interview_weight"), exam = designed(d, "exam_weight"),
  exam2001 = designed(d[d$wave == "2001", ], "exam_weight"))
cohort <- svydesign(ids = ~1, weights = ~1, data = made(0:699))
df_of <- function(design) degf(subset(design, weights(design) > 0))
say <- function(question, row, estimate, se, df) cat(sprintf("%s\t%d\t%.17g\t%.17g\t%d\n", question, row, estimate, se, df))

shares <- function(question, design, y, groups) for (g in seq_along(groups)) {
  part <- eval(bquote(subset(design, !is.na(.(as.name(y))) & .(groups[[g]]))))
  m <- svymean(as.formula(paste0("~as.numeric(", y, ")")), part)
  say(question, g - 1, coef(m), SE(m), df_of(part))
}
sexes <- function(condition) list(bquote(sex == "female" & .(condition)), bquote(sex == "male" & .(condition)))
for (wave in c("2001", "2002", "pooled")) {
  where <- sprintf("source := 'survey', wave := '%s'", wave)
  all <- designs[[wave]]
  shares(sprintf("prevalence('has_cramps', %s)", where), all, "has_cramps", list(TRUE))
  shares(sprintf("prevalence('has_cramps', by := 'sex', condition := 'age_years >= 40', %s)", where), all, "has_cramps",
    sexes(quote(age_years >= 40)))
  shares(sprintf("prevalence('has_frequent_cramps', condition := 'sex = ''female'' and is_sedentary', %s)", where), all,
    "has_frequent_cramps", list(quote(sex == "female" & is_sedentary)))
  shares(sprintf("prevalence('is_sedentary', by := 'sex', condition := 'has_cramps', %s)", where), all, "is_sedentary",
    sexes(quote(!is.na(has_cramps) & has_cramps)))
}
shares("prevalence('has_cramps', by := 'sex', source := 'cohort')", cohort, "has_cramps", sexes(TRUE))
shares("prevalence('has_cramps', condition := 'age_years < 50', source := 'cohort')", cohort, "has_cramps",
  list(quote(age_years < 50)))

means <- function(question, design, y, condition) {
  part <- eval(bquote(subset(design, !is.na(.(as.name(y))) & .(condition))))
  m <- svymean(as.formula(paste0("~", y)), part); say(question, 0, coef(m), SE(m), df_of(part))
}
means("mean('body_mass_index_kg_m2', source := 'survey')", designs$exam, "bmi", TRUE)
means("mean('body_mass_index_kg_m2', condition := 'age_years >= 40', source := 'survey', wave := '2001')", designs$exam2001, "bmi",
  quote(age_years >= 40))
means("mean('age_years', condition := 'has_cramps', source := 'survey', wave := '2002')", designs$"2002", "age_years",
  quote(!is.na(has_cramps) & has_cramps))
totals <- function(question, design, y, condition, waves) {
  part <- eval(bquote(subset(design, !is.na(.(as.name(y))) & .(condition))))
  m <- svytotal(as.formula(paste0("~as.numeric(", y, ")")), part)
  say(question, 0, coef(m) / waves, SE(m) / waves, df_of(part))
}
totals("total('has_cramps', source := 'survey', wave := '2001')", designs$"2001", "has_cramps", TRUE, 1)
totals("total('has_cramps', condition := 'age_years >= 40', source := 'survey')", designs$pooled, "has_cramps",
  quote(age_years >= 40), 2)
totals("total('age_years', condition := 'sex = ''male''', source := 'survey', wave := '2002')", designs$"2002", "age_years",
  quote(sex == "male"), 1)

# fitted again from the solution: svyglm's errors lag the coefficients by one step
fitted_again <- function(formula, design, family) {
  f <- function(start) eval(bquote(svyglm(.(formula), design, family = family, start = .(start),
    control = list(epsilon = 1e-14, maxit = 200))))
  f(as.numeric(coef(f(NULL))))
}
ratios <- function(question, design, formula, family, rows, complete) {
  g <- fitted_again(formula, design, family)
  b <- coef(g)[-1]; se <- SE(g)[-1]
  for (k in rows) say(question, k - 1, if (family$link == "identity") b[k] else exp(b[k]), se[k], df_of(subset(design, complete)))
}
known <- function(d, x) !is.na(d$variables$has_cramps) & !is.na(d$variables[[x]])
one <- designs$"2001"; two <- designs$"2002"; both <- designs$pooled
activity <- has_cramps ~ relevel(factor(activity_level), "vigorous")
families <- list(odds_ratio = quasibinomial(), prevalence_ratio = quasipoisson(), prevalence_difference = gaussian())
for (measure in names(families)) {
  f <- families[[measure]]
  if (measure == "prevalence_difference") {
    activity <- as.numeric(has_cramps) ~ relevel(factor(activity_level), "vigorous")
    sedentary <- as.numeric(has_cramps) ~ is_sedentary; statin <- as.numeric(has_cramps) ~ takes_statin
  } else { sedentary <- has_cramps ~ is_sedentary; statin <- has_cramps ~ takes_statin }
  ratios(sprintf("%s('has_cramps', 'activity_level', source := 'survey', wave := '2001')", measure), one, activity, f, 1:2,
    known(one, "activity_level"))
  ratios(sprintf("%s('has_cramps', 'is_sedentary', source := 'survey')", measure), both, sedentary, f, 1, known(both, "is_sedentary"))
  ratios(sprintf("%s('has_cramps', 'takes_statin', source := 'survey', wave := '2002')", measure), two, statin, f, 1,
    known(two, "takes_statin"))
}
ratios("odds_ratio('has_cramps', 'is_sedentary', source := 'cohort')", cohort, has_cramps ~ is_sedentary, quasibinomial(), 1,
  known(cohort, "is_sedentary"))
