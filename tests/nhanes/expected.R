# What R's survey package gives for the questions that the report tables answer, straight from the SAS transport files.
# Usage: Rscript expected.R <folder of NHANES files> <output folder>. Shares no code with the pipeline: the recoding is written anew.
suppressMessages({library(foreign); library(survey)})
args <- commandArgs(trailingOnly = TRUE)
base <- file.path(args[1], "Nchs/Data/Nhanes/Public")
out <- args[2]
options(survey.lonely.psu = "fail", digits = 17)

xpt <- function(year, table) read.xport(file.path(base, year, "DataFiles", paste0(table, ".xpt")))

drugs <- xpt("1988", "RXQ_DRUG")
ingredients <- as.matrix(drugs[, grep("^RXDICI", names(drugs))])
in_category <- function(code) as.character(drugs$RXDDRGID)[apply(ingredients == code, 1, any, na.rm = TRUE)]

# the value that a quarter of the adults with a reliable recalled day do not exceed, by their dietary weight
lowest_quartile <- function(d) {
  design <- svydesign(ids = ~psu, strata = ~stratum, weights = ~dietary_weight, nest = TRUE, data = d)
  adults <- subset(design, age >= 20 & !is.na(magnesium_intake_mg) & dietary_weight > 0)
  upper <- coef(svyquantile(~magnesium_intake_mg, adults, .25, ci = FALSE, qrule = "hf1"))[[1]]
  ifelse(d$age >= 20 & d$dietary_weight > 0, d$magnesium_intake_mg <= upper, NA)
}

one_cycle <- function(wave, year, letter) {
  d <- xpt(year, paste0("DEMO_", letter))
  d <- data.frame(SEQN = d$SEQN, wave = wave, is_pregnant = ifelse(d$RIDEXPRG %in% 1:2, d$RIDEXPRG == 1, NA), age = pmin(d$RIDAGEYR, 80), female = d$RIAGENDR == 2, race = d$RIDRETH1,
                  weight = d$WTINT2YR, exam_weight = d$WTMEC2YR, stratum = d$SDMVSTRA, psu = d$SDMVPSU)
  s <- xpt(year, paste0("SLQ_", letter))
  d$slq160 <- s$SLQ160[match(d$SEQN, s$SEQN)]
  d$slq160[!d$slq160 %in% 0:4] <- NA
  p <- xpt(year, paste0("PAQ_", letter))
  vigorous <- (if (letter == "D") p$PAD200 else p$PAQ650)[match(d$SEQN, p$SEQN)]
  moderate <- (if (letter == "D") p$PAD320 else p$PAQ665)[match(d$SEQN, p$SEQN)]
  none_of <- function(x) ifelse(x == 1, FALSE, ifelse(x %in% c(2, 3), TRUE, NA))
  v0 <- none_of(vigorous); m0 <- none_of(moderate)
  d$is_sedentary <- ifelse((!v0 & !is.na(v0)) | (!m0 & !is.na(m0)), FALSE, ifelse(v0 & m0, TRUE, NA))
  d$activity_level <- ifelse(!is.na(v0) & !v0, "vigorous", ifelse(is.na(v0) | is.na(m0), NA, ifelse(!m0, "moderate", "none")))
  d$sitting_minutes_per_day <- if (letter == "D") NA else p$PAD680[match(d$SEQN, p$SEQN)]
  d$sitting_minutes_per_day[d$sitting_minutes_per_day %in% c(7777, 9999)] <- NA
  b <- xpt(year, paste0("BMX_", letter))
  d$body_mass_index_kg_m2 <- b$BMXBMI[match(d$SEQN, b$SEQN)]
  r <- xpt(year, paste0("DR1TOT_", letter))
  recall <- match(d$SEQN, r$SEQN)
  d$magnesium_intake_mg <- ifelse(r$DR1DRSTZ[recall] %in% 1, r$DR1TMAGN[recall], NA)
  d$dietary_weight <- ifelse(is.na(r$WTDRD1[recall]), 0, r$WTDRD1[recall])
  d$is_in_lowest_magnesium_quartile <- lowest_quartile(d)
  s <- xpt(year, paste0("BIOPRO_", letter))
  d$serum_calcium_mg_dl <- s$LBXSCA[match(d$SEQN, s$SEQN)]
  d$serum_potassium_mmol_l <- s$LBXSKSI[match(d$SEQN, s$SEQN)]
  rx <- xpt(year, paste0("RXQ_RX_", letter))
  id <- as.character(rx$RXDDRGID); name <- as.character(rx$RXDDRUG)
  unknown <- is.na(rx$RXDUSE) | rx$RXDUSE %in% c(7, 9) | name %in% c("55555", "77777", "99999")
  has_unknown <- d$SEQN %in% rx$SEQN[unknown]
  takes <- function(rows) { yes <- d$SEQN %in% rx$SEQN[rows]; ifelse(yes, TRUE, ifelse(has_unknown, NA, FALSE)) }
  d$takes_diuretic <- takes(id %in% in_category(49))
  d$takes_loop_diuretic <- takes(id %in% in_category(154))
  d$takes_thiazide_diuretic <- takes(id %in% in_category(156))
  d$takes_potassium_sparing_diuretic <- takes(id %in% in_category(155))
  d$takes_beta_agonist <- takes(id %in% in_category(180))
  d$takes_long_acting_beta_agonist <- takes(grepl("SALMETEROL|FORMOTEROL", name))
  d$takes_statin <- takes(id %in% in_category(173))
  d
}

people <- rbind(one_cycle("2005-2006", "2005", "D"), one_cycle("2007-2008", "2007", "E"))
people$has_cramps <- people$slq160 >= 1
people$has_frequent_cramps <- people$slq160 >= 3
people$age_band <- cut(people$age, c(16, 20, 30, 40, 50, 60, 70, 80, Inf), right = FALSE,
                       labels = c("16-19", "20-29", "30-39", "40-49", "50-59", "60-69", "70-79", "80+"))
people$race <- relevel(factor(people$race), ref = "3")
people$activity_level <- relevel(factor(people$activity_level), ref = "vigorous")
stopifnot(nrow(people) == 20497)

weights_of <- c(body_mass_index_kg_m2 = "exam_weight", magnesium_intake_mg = "dietary_weight", is_pregnant = "exam_weight",
                is_in_lowest_magnesium_quartile = "dietary_weight", serum_calcium_mg_dl = "exam_weight",
                serum_potassium_mmol_l = "exam_weight")
weight_of <- function(name) if (name %in% names(weights_of)) weights_of[[name]] else "weight"
# numbers, and of how many units their odds ratios are
steps <- c(magnesium_intake_mg = 100, serum_calcium_mg_dl = 1, serum_potassium_mmol_l = 1, sitting_minutes_per_day = 60)
names_of_steps <- c(magnesium_intake_mg = "per 100 mg", serum_calcium_mg_dl = "per mg/dL", serum_potassium_mmol_l = "per mmol/L",
                    sitting_minutes_per_day = "per 60 minutes a day")

populations <- list(
  adults_65_plus = people$age >= 65,
  everyone_asked = people$age >= 16, adults_20_plus = people$age >= 20, adults_60_plus = people$age >= 60,
  women_20_44 = people$female & people$age >= 20 & people$age < 45)
outcomes <- c("has_cramps", "has_frequent_cramps")
waves <- list("2005-2006" = "2005-2006", "2007-2008" = "2007-2008", pooled = c("2005-2006", "2007-2008"))
designs <- new.env()
design_of <- function(w, weight = "weight") {
  key <- paste(c(weight, w), collapse = " ")
  if (is.null(designs[[key]])) designs[[key]] <- design_with(w, weight)
  designs[[key]]
}
design_with <- function(w, weight) {
  data <- people[people$wave %in% w, ]
  data$interview_weight <- data$weight
  data$weight <- data[[weight]] / length(w)
  svydesign(ids = ~psu, strata = ~stratum, weights = ~weight, nest = TRUE, data = data)
}

# Korn & Graubard (1998) as NCHS uses it: effective sample size adjusted for degrees of freedom and capped at n
korn_graubard <- function(p, se, n, df) {
  n_eff <- p * (1 - p) / se^2
  x_n <- min(n, n_eff * (qt(.975, n - 1) / qt(.975, df))^2)
  c(qbeta(.025, p * x_n, x_n - p * x_n + 1), qbeta(.975, p * x_n + 1, x_n - p * x_n), n_eff)
}

estimate <- function(design, member, y, outcome) {
  member <- member & !is.na(member)
  domain <- subset(design, member & !is.na(y))
  m <- svymean(as.formula(paste0("~I(as.numeric(", outcome, "))")), domain)
  n <- nrow(domain$variables); df <- degf(domain); kg <- korn_graubard(coef(m)[[1]], SE(m)[[1]], n, df)
  data.frame(n_respondents = n, n_cases = sum(y[member], na.rm = TRUE), n_missing = sum(is.na(y[member])), prevalence = coef(m)[[1]],
             prevalence_se = SE(m)[[1]], prevalence_lower = kg[1], prevalence_upper = kg[2], n_effective = kg[3], degrees_freedom = df)
}

prevalence <- function() {
  rows <- list()
  for (wave in names(waves)) {
    in_wave <- people$wave %in% waves[[wave]]
    design <- design_of(waves[[wave]])
    for (population in names(populations)) for (outcome in outcomes) {
      bands <- c("all", if (population == "everyone_asked") levels(people$age_band))
      for (band in bands) {
        member <- (populations[[population]] & (band == "all" | people$age_band == band))[in_wave]
        rows[[length(rows) + 1]] <- cbind(data.frame(wave, population, outcome, age_band = band),
                                          estimate(design, member, people[[outcome]][in_wave], outcome))
      }
    }
  }
  do.call(rbind, rows)
}

by_sex_and_exposure <- function() {
  by_sex <- list(); by_exposure <- list()
  for (wave in names(waves)) {
    in_wave <- people$wave %in% waves[[wave]]
    for (outcome in outcomes) {
      y <- people[[outcome]][in_wave]
      design <- design_of(waves[[wave]])
      for (sex in c("female", "male")) for (band in c("all", levels(people$age_band))) {
        member <- (populations$everyone_asked & people$female == (sex == "female") & (band == "all" | people$age_band == band))[in_wave]
        by_sex[[length(by_sex) + 1]] <- cbind(data.frame(wave, population = "everyone_asked", outcome, age_band = band, sex),
                                              estimate(design, member, y, outcome))
      }
      for (exposure in c("is_sedentary", "activity_level", grep("^takes_", names(people), value = TRUE), "is_in_lowest_magnesium_quartile")) {
        x <- as.character(people[[exposure]])
        design <- design_of(waves[[wave]], weight_of(exposure))
        for (level in unique(x[!is.na(x)])) {
          member <- (populations$adults_20_plus & !is.na(x) & x == level)[in_wave] & weights(design) > 0
          by_exposure[[length(by_exposure) + 1]] <- cbind(
            data.frame(wave, population = "adults_20_plus", outcome, exposure, exposure_level = sub("TRUE", "true", sub("FALSE", "false", level))),
            estimate(design, member, y, outcome))
        }
      }
    }
  }
  list(sex = do.call(rbind, by_sex), exposure = do.call(rbind, by_exposure))
}

# svyglm's standard errors lag its coefficients by one step: refitting from the solution removes the lag
fit <- function(formula, design, family) {
  first <- suppressWarnings(svyglm(formula, design, family = family))
  suppressWarnings(eval(bquote(svyglm(formula, design, family = family, start = .(unname(coef(first)))))))
}

odds_ratios <- function() {
  exposures <- c("is_sedentary", "activity_level", grep("^takes_", names(people), value = TRUE),
                 "is_in_lowest_magnesium_quartile", "is_pregnant", names(steps))
  rows <- list()
  for (wave in names(waves)) {
    in_wave <- people$wave %in% waves[[wave]]
    for (outcome in outcomes) for (exposure in exposures) {
      design <- design_of(waves[[wave]], weight_of(exposure))
      population <- if (exposure == "is_pregnant") "women_20_44" else "adults_20_plus"
      is_number <- exposure %in% names(steps)
      if (is_number) design$variables[[exposure]] <- design$variables[[exposure]] / steps[[exposure]]
      x <- people[[exposure]][in_wave]; y <- people[[outcome]][in_wave]
      member <- populations[[population]][in_wave] & weights(design) > 0
      keep <- member & !is.na(x) & !is.na(y)
      if (!any(keep)) next
      domain <- subset(design, keep)
      domain$variables$age_band <- droplevels(domain$variables$age_band)
      df <- degf(domain); t <- qt(.975, df)
      for (model in c("crude", "adjusted")) {
        adjusters <- if (population == "women_20_44") " + age_band + race" else " + age_band + female + race"
        formula <- as.formula(paste0("as.numeric(", outcome, ") ~ ", exposure, if (model == "adjusted") adjusters))
        logistic <- fit(formula, domain, quasibinomial()); poisson <- fit(formula, domain, quasipoisson())
        for (term in grep(paste0("^", exposure), names(coef(logistic)), value = TRUE)) {
          level <- sub("TRUE", "true", sub(exposure, "", term, fixed = TRUE))
          exposed <- as.character(x) == ifelse(level == "true", "TRUE", level)
          unexposed <- as.character(x) == ifelse(level == "true", "FALSE", "vigorous")
          if (is_number) { level <- names_of_steps[[exposure]]; exposed <- TRUE; unexposed <- NA }
          b <- coef(logistic)[[term]]; se <- SE(logistic)[[term]]; b2 <- coef(poisson)[[term]]; se2 <- SE(poisson)[[term]]
          rows[[length(rows) + 1]] <- data.frame(wave, population, outcome, exposure, exposure_level = level, model,
            exposed_cases = sum(exposed & y & keep, na.rm = TRUE), exposed_noncases = sum(exposed & !y & keep, na.rm = TRUE),
            unexposed_cases = if (is_number) NA else sum(unexposed & y & keep, na.rm = TRUE),
            unexposed_noncases = if (is_number) NA else sum(unexposed & !y & keep, na.rm = TRUE),
            n_missing = sum(member & !keep), odds_ratio = exp(b), odds_ratio_lower = exp(b - t * se), odds_ratio_upper = exp(b + t * se),
            p_value = 2 * pt(-abs(b / se), df), degrees_freedom = df, prevalence_ratio = exp(b2),
            prevalence_ratio_lower = exp(b2 - t * se2), prevalence_ratio_upper = exp(b2 + t * se2), b, se)
        }
      }
    }
  }
  do.call(rbind, rows)
}

standardised <- function() {
  rows <- list()
  for (wave in names(waves)) {
    design <- update(design_of(waves[[wave]]), group = cut(age, c(20, 40, 60, Inf), right = FALSE))
    for (outcome in outcomes) for (sex in c("all", "female", "male")) {
      member <- populations$adults_20_plus & !is.na(people[[outcome]]) & (sex == "all" | people$female == (sex == "female"))
      keep <- member[people$wave %in% waves[[wave]]]
      domain <- subset(design, keep)
      standard <- svystandardize(domain, by = ~group, over = ~1, population = c(.3966, .3718, .2316))
      m <- svymean(as.formula(paste0("~I(as.numeric(", outcome, "))")), standard)
      rows[[length(rows) + 1]] <- data.frame(wave, population = "adults_20_plus", outcome, sex, n_respondents = nrow(domain$variables),
        prevalence = coef(m)[[1]], prevalence_se = SE(m)[[1]], degrees_freedom = degf(domain))
    }
  }
  do.call(rbind, rows)
}

trends <- function() {
  rows <- list()
  for (wave in names(waves)) {
    design <- design_of(waves[[wave]])
    for (outcome in outcomes) for (population in c("everyone_asked", "adults_20_plus", "adults_60_plus", "adults_65_plus", "women_20_44")) {
      keep <- (populations[[population]] & !is.na(people[[outcome]]))[people$wave %in% waves[[wave]]]
      domain <- subset(design, keep)
      domain$variables$age_band <- droplevels(domain$variables$age_band)
      if (nlevels(domain$variables$age_band) < 3) next
      model <- fit(as.formula(paste0("as.numeric(", outcome, ") ~ as.integer(age_band)")), domain, quasibinomial())
      df <- degf(domain); b <- coef(model)[[2]]; se <- SE(model)[[2]]; t <- qt(.975, df)
      test <- svychisq(as.formula(paste0("~age_band + ", outcome)), domain, statistic = "F")
      rows[[length(rows) + 1]] <- data.frame(wave, population, outcome, n_respondents = nrow(domain$variables), odds_ratio = exp(b),
        odds_ratio_lower = exp(b - t * se), odds_ratio_upper = exp(b + t * se), p_value = 2 * pt(-abs(b / se), df),
        association_p_value = unname(test$p.value), degrees_freedom = df)
    }
  }
  do.call(rbind, rows)
}

# cases and noncases described and compared: svychisq, and for means svyglm on the outcome with the design's degrees of freedom
characteristics <- function() {
  continuous <- c("age_years", "body_mass_index_kg_m2", names(steps))
  categorical <- c("age_band", "sex", "race_ethnicity", "is_sedentary", "activity_level", grep("^takes_", names(people), value = TRUE),
                   "is_in_lowest_magnesium_quartile")
  races <- c("mexican_american", "other_hispanic", "non_hispanic_white", "non_hispanic_black", "other_race")
  rows <- list()
  for (wave in names(waves)) for (name in c(categorical, continuous)) {
    design <- design_of(waves[[wave]], weight_of(name))
    design <- update(design, age_years = age, sex = ifelse(female, "female", "male"), race_ethnicity = races[as.integer(as.character(race))])
    for (outcome in outcomes) {
      x <- design$variables[[name]]; y <- design$variables[[outcome]]
      asked <- design$variables$age >= 20 & !is.na(y) & weights(design) > 0
      if (!any(asked & !is.na(x))) next
      design$variables$y <- as.numeric(y); design$variables$x <- if (name %in% continuous) x else factor(tolower(as.character(x)))
      if (is.logical(x)) design$variables$x <- factor(ifelse(x, "true", "false"))
      domain <- subset(design, asked & !is.na(x))
      if (is.factor(domain$variables$x)) domain$variables$x <- droplevels(domain$variables$x)
      df <- degf(domain)
      key <- data.frame(wave, population = "adults_20_plus", outcome, characteristic = name)
      interviewed <- design$variables$age >= 20 & !is.na(y) & design$variables$interview_weight > 0
      common <- data.frame(n_missing = sum(interviewed & (is.na(x) | weights(design) == 0)), degrees_freedom = df)
      if (name %in% continuous) {
        test <- summary(svyglm(x ~ y, domain))$coefficients["y", "t value"]
        common$p_value <- 2 * pt(-abs(test), df)
      } else common$p_value <- unname(svychisq(~x + y, domain, statistic = "F")$p.value)
      for (group in c("cases", "noncases")) {
        part <- subset(domain, y == (group == "cases")); n <- nrow(part$variables); m <- svymean(~x, part)
        rows[[length(rows) + 1]] <- if (name %in% continuous) {
          cbind(key, level = "mean", group, common, n = n, estimate = coef(m)[[1]], se = SE(m)[[1]],
                sd = sqrt(coef(svyvar(~x, part))[[1]]), lower = NA, upper = NA, n_effective = NA)
        } else do.call(rbind, lapply(seq_along(coef(m)), function(i) {
          p <- coef(m)[[i]]; se <- SE(m)[[i]]; level <- sub("^x", "", names(coef(m))[i])
          kg <- if (p > 0 && p < 1) korn_graubard(p, se, n, degf(part)) else c(NA, NA, n)
          cbind(key, level, group, common, n = sum(part$variables$x == level), estimate = p, se, sd = NA, lower = kg[1], upper = kg[2],
                n_effective = min(kg[3], n))
        }))
      }
    }
  }
  do.call(rbind, rows)
}

write.csv(characteristics(), file.path(out, "characteristics.csv"), row.names = FALSE)
write.csv(standardised(), file.path(out, "standardised.csv"), row.names = FALSE)
write.csv(trends(), file.path(out, "trends.csv"), row.names = FALSE)
write.csv(prevalence(), file.path(out, "prevalence.csv"), row.names = FALSE)
split <- by_sex_and_exposure()
write.csv(split$sex, file.path(out, "prevalence_by_sex.csv"), row.names = FALSE)
write.csv(split$exposure, file.path(out, "prevalence_by_exposure.csv"), row.names = FALSE)
ratios <- odds_ratios()
write.csv(ratios[, !names(ratios) %in% c("b", "se")], file.path(out, "odds_ratios.csv"), row.names = FALSE)
write.csv(ratios[, c("wave", "outcome", "exposure", "exposure_level", "model", "degrees_freedom", "b", "se")],
          file.path(out, "coefficients.csv"), row.names = FALSE)
