#!/usr/bin/env Rscript
# questions.R PEOPLE QUESTIONS: answers to the questions of questions.csv about the people of a survey, by R with survey.
# Prints: question (from 1), row (from 0), estimate, standard error (of a ratio: of its logarithm), degrees of freedom, and the
# p-value of an interaction or NaN.
suppressPackageStartupMessages(library(survey))
options(digits = 17)
arguments <- commandArgs(TRUE)
d <- read.csv(arguments[1], na.strings = "")
for (name in names(d)) if (all(d[[name]] %in% c("true", "false", NA)) && any(!is.na(d[[name]]))) d[[name]] <- d[[name]] == "true"
questions <- read.csv(arguments[2], na.strings = "", colClasses = "character")
# everybody was sampled; who is no part of a component has no weight there
d$exam_weight[is.na(d$exam_weight)] <- 0; d$dietary_weight[is.na(d$dietary_weight)] <- 0
designed <- function(w) svydesign(ids = ~psu, strata = ~stratum, weights = as.formula(paste0("~", w)), data = d, nest = TRUE)
designs <- list(interview = designed("interview_weight"), exam = designed("exam_weight"), dietary = designed("dietary_weight"))
df_of <- function(design) degf(subset(design, weights(design) > 0))
listed <- function(text) if (is.na(text)) character() else strsplit(text, ",")[[1]]
levels_of <- function(x) sort(unique(x[!is.na(x)]), method = "radix")
# fitted again from the solution: svyglm's errors lag the coefficients by one step
fitted_again <- function(formula, design, family) {
  f <- function(start) eval(bquote(svyglm(.(formula), design, family = family, start = .(start),
    control = list(epsilon = 1e-14, maxit = 200))))
  f(as.numeric(coef(suppressWarnings(f(NULL)))))
}
references <- c(activity_level = "vigorous")
exposed <- function(name) if (name %in% names(references))
  sprintf("relevel(factor(%s), '%s')", name, references[[name]]) else sprintf("factor(%s)", name)

for (i in seq_len(nrow(questions))) {
  q <- questions[i, ]
  say <- function(row, estimate, se, df, p = NaN) cat(sprintf("%d\t%d\t%.17g\t%.17g\t%d\t%.17g\n", i, row, estimate, se, df, p))
  design <- designs[[if (grepl("magnesium", paste(q, collapse = " "))) "dietary" else
    if (grepl("body_mass", paste(q, collapse = " "))) "exam" else "interview"]]
  where <- eval(parse(text = q$where_r), design$variables)
  adjust <- listed(q$adjust)
  known <- rowSums(is.na(design$variables[, c(q$outcome, adjust, na.omit(c(q$exposure, q$by, q$interaction))), drop = FALSE])) == 0
  inside <- rep_len(where %in% TRUE, nrow(d)) & known & weights(design) > 0
  if (q$measure %in% c("prevalence", "mean", "total") && !length(adjust)) {
    levels <- if (is.na(q$by)) NA else levels_of(design$variables[[q$by]][inside])
    for (k in seq_along(levels)) {
      here <- if (is.na(q$by)) inside else inside & design$variables[[q$by]] %in% levels[k]
      part <- subset(design, here)
      statistic <- if (q$measure == "total") svytotal else svymean
      m <- statistic(as.formula(sprintf("~as.numeric(%s)", q$outcome)), part)
      say(k - 1, coef(m), SE(m), df_of(part))
    }
  } else if (q$measure == "prevalence") {
    part <- subset(design, inside)
    terms <- adjust[sapply(adjust, function(a) length(unique(part$variables[[a]])) > 1)]
    model <- fitted_again(as.formula(paste(q$outcome, "~", paste0("factor(", terms, ")", collapse = "+"))), part, quasibinomial())
    levels <- levels_of(part$variables[[q$by]])
    part <- eval(bquote(update(part, asked = factor(as.character(.(as.name(q$by))), levels = .(as.character(levels))))))
    found <- svypredmeans(eval(bquote(svyglm(.(formula(model)), part, family = quasibinomial(),
      control = list(epsilon = 1e-14, maxit = 200)))), ~asked, predictat = factor(as.character(levels), levels = as.character(levels)))
    for (k in seq_along(levels)) say(k - 1, coef(found)[k], SE(found)[k], df_of(part))
  } else if (q$measure == "trend") {
    levels <- if (is.na(q$by)) NA else levels_of(design$variables[[q$by]][inside])
    for (k in seq_along(levels)) {
      here <- if (is.na(q$by)) inside else inside & design$variables[[q$by]] %in% levels[k]
      part <- subset(design, here)
      g <- fitted_again(as.formula(paste(q$outcome, "~ as.numeric(factor(age_band))")), part, quasibinomial())
      say(k - 1, exp(coef(g)[2]), SE(g)[2], df_of(part))
    }
  } else if (!is.na(q$interaction)) {
    part <- subset(design, inside)
    family <- if (q$measure == "odds_ratio") quasibinomial() else quasipoisson()
    levels <- levels_of(part$variables[[q$interaction]])
    at <- function(reference) fitted_again(as.formula(sprintf("%s ~ %s * relevel(factor(%s), '%s') + %s", q$outcome,
      exposed(q$exposure), q$interaction, reference, paste0("factor(", adjust, ")", collapse = "+"))), part, family)
    for (k in seq_along(levels)) {
      g <- at(levels[k]); last <- length(coef(g)); df <- df_of(part)
      say(k - 1, exp(coef(g)[2]), SE(g)[2], df, 2 * pt(-abs(coef(g)[last] / SE(g)[last]), df))
    }
  } else {
    parts <- if (is.na(q$by)) NA else levels_of(design$variables[[q$by]][inside])
    family <- list(odds_ratio = quasibinomial(), prevalence_ratio = quasipoisson(), prevalence_difference = gaussian())[[q$measure]]
    row <- 0
    for (level in parts) {
      part <- subset(design, if (is.na(level)) inside else inside & design$variables[[q$by]] %in% level)
      if (q$measure == "prevalence_difference" && length(adjust)) {
        model <- fitted_again(as.formula(paste(q$outcome, "~", paste0("factor(", adjust, ")", collapse = "+"))), part, quasibinomial())
        found <- svypredmeans(eval(bquote(svyglm(.(formula(model)), part, family = quasibinomial(),
          control = list(epsilon = 1e-14, maxit = 200)))), as.formula(paste0("~", q$exposure)), predictat = c(FALSE, TRUE))
        difference <- svycontrast(found, c(-1, 1))
        say(row, coef(difference), SE(difference), df_of(part)); next
      }
      terms <- paste(c(exposed(q$exposure), if (length(adjust)) paste0("factor(", adjust, ")")), collapse = "+")
      g <- fitted_again(as.formula(sprintf("as.numeric(%s) ~ %s", q$outcome, terms)), part, family)
      n_levels <- length(unique(part$variables[[q$exposure]])) - 1
      for (k in seq_len(n_levels)) {
        b <- coef(g)[1 + k]
        say(row, if (q$measure == "prevalence_difference") b else exp(b), SE(g)[1 + k], df_of(part)); row <- row + 1
      }
    }
  }
}
