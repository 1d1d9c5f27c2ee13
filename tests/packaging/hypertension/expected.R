# What R's survey package gives for the questions of the study of hypertension, straight from the SAS transport files.
# Wrote the tables beside it: Rscript expected.R <folder of NHANES files> <this folder>. Shares no code with the pipeline.
suppressMessages({library(foreign); library(survey)})
args <- commandArgs(trailingOnly = TRUE)
base <- file.path(args[1], "Nchs/Data/Nhanes/Public")
out <- args[2]
options(survey.lonely.psu = "fail", digits = 15)

xpt <- function(year, table) read.xport(file.path(base, year, "DataFiles", paste0(table, ".xpt")))
drugs <- xpt("1988", "RXQ_DRUG")
ingredients <- as.matrix(drugs[, grep("^RXDICI", names(drugs))])
statins <- as.character(drugs$RXDDRGID)[rowSums(ingredients == 173, na.rm = TRUE) > 0]

one_cycle <- function(wave, year, letter) {
  d <- xpt(year, paste0("DEMO_", letter))
  told <- function(table, variable, no) {
    answers <- xpt(year, paste0(table, "_", letter))
    x <- answers[[variable]][match(d$SEQN, answers$SEQN)]
    ifelse(x %in% 1, TRUE, ifelse(x %in% no, FALSE, NA))
  }
  bmx <- xpt(year, paste0("BMX_", letter))
  bmi <- bmx$BMXBMI[match(d$SEQN, bmx$SEQN)]
  rx <- xpt(year, paste0("RXQ_RX_", letter))
  name <- as.character(rx$RXDDRUG)
  unknown <- d$SEQN %in% rx$SEQN[is.na(rx$RXDUSE) | rx$RXDUSE %in% c(7, 9) | name %in% c("55555", "77777", "99999")]
  takes <- d$SEQN %in% rx$SEQN[as.character(rx$RXDDRGID) %in% statins]
  data.frame(
    wave, age = pmin(d$RIDAGEYR, 80), sex = ifelse(d$RIAGENDR == 2, "female", "male"), race = d$RIDRETH1,
    interview_weight = d$WTINT2YR, exam_weight = d$WTMEC2YR, stratum = d$SDMVSTRA, psu = d$SDMVPSU,
    has_hypertension = told("BPQ", "BPQ020", 2), has_diabetes = told("DIQ", "DIQ010", c(2, 3)), body_mass_index_kg_m2 = bmi,
    is_obese = ifelse(d$RIDEXPRG %in% 1, NA, bmi >= 30), takes_statin = ifelse(takes, TRUE, ifelse(unknown, NA, FALSE)))
}

people <- rbind(one_cycle("2005-2006", "2005", "D"), one_cycle("2007-2008", "2007", "E"))
stopifnot(nrow(people) == 20497)
people$age_band <- cut(people$age, c(20, 30, 40, 50, 60, 70, 80, Inf), right = FALSE,
                       labels = c("20-29", "30-39", "40-49", "50-59", "60-69", "70-79", "80+"))
people$race <- relevel(factor(people$race), ref = "3")
people$male <- people$sex == "male"

outcomes <- c("has_hypertension", "has_diabetes")
exposures <- c("is_obese", "takes_statin")
populations <- list(adults_20_plus = people$age >= 20, adults_60_plus = people$age >= 60)
waves <- list("2005-2006" = "2005-2006", "2007-2008" = "2007-2008", pooled = c("2005-2006", "2007-2008"))
weight_of <- function(name) if (name == "is_obese") "exam_weight" else "interview_weight"
known <- list()
design_of <- function(w, weight = "interview_weight") {
  name <- paste(c(w, weight), collapse = " ")
  if (is.null(known[[name]])) {
    data <- people[people$wave %in% w, ]
    data$weight <- data[[weight]] / length(w)
    known[[name]] <<- svydesign(ids = ~psu, strata = ~stratum, weights = ~weight, nest = TRUE, data = data)
  }
  known[[name]]
}

# Korn & Graubard (1998) as NCHS uses it: effective sample size adjusted for degrees of freedom and capped at n
korn_graubard <- function(p, se, n, df) {
  x_n <- min(n, p * (1 - p) / se^2 * (qt(.975, n - 1) / qt(.975, df))^2)
  c(qbeta(.025, p * x_n, x_n - p * x_n + 1), qbeta(.975, p * x_n + 1, x_n - p * x_n))
}

share <- function(design, keep, outcome) {
  y <- design$variables[[outcome]]
  domain <- subset(design, keep & !is.na(keep) & !is.na(y) & weights(design) > 0)
  m <- svymean(as.formula(paste0("~I(as.numeric(", outcome, "))")), domain)
  n <- nrow(domain$variables); df <- degf(domain); kg <- korn_graubard(coef(m)[[1]], SE(m)[[1]], n, df)
  data.frame(n_respondents = n, n_cases = sum(domain$variables[[outcome]]), prevalence = coef(m)[[1]], prevalence_se = SE(m)[[1]],
             prevalence_lower = kg[1], prevalence_upper = kg[2], degrees_freedom = df)
}

prevalences <- function() {
  whole <- list(); split <- list()
  for (wave in names(waves)) for (population in names(populations)) for (outcome in outcomes) {
    member <- populations[[population]][people$wave %in% waves[[wave]]]
    key <- data.frame(wave, population, outcome)
    for (band in c("all", if (population == "adults_20_plus") levels(people$age_band))) {
      design <- design_of(waves[[wave]])
      keep <- member & (band == "all" | design$variables$age_band == band)
      whole[[length(whole) + 1]] <- cbind(key, age_band = band, share(design, keep, outcome))
    }
    for (exposure in exposures) for (level in c(TRUE, FALSE)) {
      design <- design_of(waves[[wave]], weight_of(exposure))
      found <- share(design, member & design$variables[[exposure]] == level, outcome)
      split[[length(split) + 1]] <- cbind(key, exposure, exposure_level = tolower(level), found)
    }
  }
  list(by_age_band = do.call(rbind, whole), by_exposure = do.call(rbind, split))
}

# svyglm's standard errors lag its coefficients by one step: refitting from the solution removes the lag
fit <- function(formula, design, family) {
  first <- suppressWarnings(svyglm(formula, design, family = family))
  suppressWarnings(eval(bquote(svyglm(formula, design, family = family, start = .(unname(coef(first)))))))
}

odds_ratios <- function() {
  rows <- list()
  for (wave in names(waves)) for (outcome in outcomes) for (exposure in exposures) for (model in c("crude", "adjusted")) {
    design <- design_of(waves[[wave]], weight_of(exposure))
    v <- design$variables
    keep <- v$age >= 20 & !is.na(v[[outcome]]) & !is.na(v[[exposure]]) & weights(design) > 0
    domain <- subset(design, keep)
    formula <- as.formula(paste0("as.numeric(", outcome, ") ~ ", exposure, if (model == "adjusted") " + age_band + male + race"))
    logistic <- fit(formula, domain, quasibinomial()); poisson <- fit(formula, domain, quasipoisson())
    df <- degf(domain); t <- qt(.975, df); term <- paste0(exposure, "TRUE")
    b <- coef(logistic)[[term]]; se <- SE(logistic)[[term]]; b2 <- coef(poisson)[[term]]; se2 <- SE(poisson)[[term]]
    x <- v[[exposure]]; y <- v[[outcome]]
    rows[[length(rows) + 1]] <- data.frame(
      wave, population = "adults_20_plus", outcome, exposure, exposure_level = "true", model,
      exposed_cases = sum(x & y & keep, na.rm = TRUE), exposed_noncases = sum(x & !y & keep, na.rm = TRUE),
      unexposed_cases = sum(!x & y & keep, na.rm = TRUE), unexposed_noncases = sum(!x & !y & keep, na.rm = TRUE),
      odds_ratio = exp(b), odds_ratio_lower = exp(b - t * se), odds_ratio_upper = exp(b + t * se),
      p_value = 2 * pt(-abs(b / se), df), degrees_freedom = df, prevalence_ratio = exp(b2),
      prevalence_ratio_lower = exp(b2 - t * se2), prevalence_ratio_upper = exp(b2 + t * se2))
  }
  do.call(rbind, rows)
}

standardised <- function() {
  rows <- list()
  for (wave in names(waves)) for (outcome in outcomes) for (sex in c("all", "female", "male")) {
    design <- update(design_of(waves[[wave]]), group = cut(age, c(20, 40, 60, Inf), right = FALSE))
    v <- design$variables
    keep <- v$age >= 20 & !is.na(v[[outcome]]) & (sex == "all" | v$sex == sex)
    domain <- subset(design, keep)
    m <- svymean(as.formula(paste0("~I(as.numeric(", outcome, "))")),
                 svystandardize(domain, by = ~group, over = ~1, population = c(.3966, .3718, .2316)))
    rows[[length(rows) + 1]] <- data.frame(wave, population = "adults_20_plus", outcome, sex, n_respondents = nrow(domain$variables),
      prevalence = coef(m)[[1]], prevalence_se = SE(m)[[1]], degrees_freedom = degf(domain))
  }
  do.call(rbind, rows)
}

found <- prevalences()
write.csv(found$by_age_band, file.path(out, "prevalence_by_age_band.csv"), row.names = FALSE)
write.csv(found$by_exposure, file.path(out, "prevalence_by_exposure.csv"), row.names = FALSE)
write.csv(odds_ratios(), file.path(out, "odds_ratios.csv"), row.names = FALSE)
write.csv(standardised(), file.path(out, "prevalence_age_standardised.csv"), row.names = FALSE)
