# Base R only. The estimates of out_bcg.txt that metafor finds by uniroot() with its default tolerance (Paule-Mandel's tau² and the
# Q-profile limits), with that tolerance and exactly; and small sets of studies with restricted likelihood, both intervals and the
# prediction intervals. Rscript make_meta.R > out_meta.csv
options(digits = 17)
tpos <- c(4,6,3,62,33,180,8,505,29,17,186,5,27); tneg <- c(119,300,228,13536,5036,1361,2537,87886,7470,1699,50448,2493,16886)
cpos <- c(11,29,11,248,47,372,10,499,45,65,141,3,29); cneg <- c(128,274,209,12619,5761,1079,619,87892,7232,1600,27197,2338,17825)
sets <- list(
  bcg = list(y = log((tpos/(tpos+tneg)) / (cpos/(cpos+cneg))), v = 1/tpos - 1/(tpos+tneg) + 1/cpos - 1/(cpos+cneg)),
  two_alike = list(y = c(.1, .3), v = c(.2, .1)),
  two_apart = list(y = c(.1, 3), v = c(.02, .1)),
  five_alike = list(y = c(.50, .52, .49, .51, .50), v = c(.04, .05, .03, .06, .04)),
  six = list(y = c(-.2, .4, 1.1, .3, .9, .05), v = c(.09, .03, .20, .015, .11, .06)),
  four_tiny = list(y = c(1e-5, 3e-5, -2e-5, 6e-5), v = c(1e-10, 4e-10, 2e-10, 3e-10)))
default <- .Machine$double.eps^.25
mean_of <- function(s, t2) sum(s$y/(s$v+t2)) / sum(1/(s$v+t2))
Q <- function(t2, s) sum((s$y - mean_of(s, t2))^2 / (s$v+t2))
score <- function(t2, s) { w <- 1/(s$v+t2); sum(w^2*(s$y-mean_of(s, t2))^2) - sum(w) + sum(w^2)/sum(w) }
root <- function(f, s, top, tol) if (f(0) <= 0) 0 else uniroot(f, c(0, top), tol = tol, maxiter = 10000)$root
cat("set,name,value\n")
emit <- function(set, name, x) cat(paste(set, name, sprintf("%.17g", x), sep = ","), "\n", sep = "")
for (set in names(sets)) {
  s <- sets[[set]]; k <- length(s$y); top <- if (set == "four_tiny") 1e-6 else if (set == "two_apart") 1e4 else 100
  exact <- if (set == "four_tiny") 1e-26 else 1e-14
  targets <- list(paule_mandel = k-1, tau_squared_lower = qchisq(.975, k-1), tau_squared_upper = qchisq(.025, k-1))
  for (name in names(targets)) {
    f <- function(t2) Q(t2, s) - targets[[name]]
    if (name == "tau_squared_upper" && f(0) < 0) next
    emit(set, name, root(f, s, top, exact))
    if (set == "bcg") emit(set, paste0(name, "_uniroot_default"), root(f, s, 100, default))
  }
  t2 <- root(function(t2) score(t2, s), s, top, exact)
  w <- 1/(s$v+t2); mu <- mean_of(s, t2); se <- sqrt(1/sum(w)); hk <- se * sqrt(sum(w*(s$y-mu)^2)/(k-1))
  emit(set, "tau_squared", t2); emit(set, "estimate", mu); emit(set, "se", se); emit(set, "hksj_se", hk)
  emit(set, "normal_lower", mu - qnorm(.975)*se); emit(set, "normal_upper", mu + qnorm(.975)*se)
  emit(set, "hksj_lower", mu - qt(.975, k-1)*hk); emit(set, "hksj_upper", mu + qt(.975, k-1)*hk)
  emit(set, "prediction_k_minus_1_lower", mu - qt(.975, k-1)*sqrt(t2+se^2)); emit(set, "prediction_k_minus_1_upper", mu + qt(.975, k-1)*sqrt(t2+se^2))
  if (k > 2) { emit(set, "prediction_lower", mu - qt(.975, k-2)*sqrt(t2+se^2)); emit(set, "prediction_upper", mu + qt(.975, k-2)*sqrt(t2+se^2)) }
}
