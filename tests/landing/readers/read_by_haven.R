# What R's haven reads from each file that standard input names, a line a value, for tests of the readers.
#   #file <path> <records> | #unreadable <path> | #column <kind> <format> <name>
# A value is N (missing), .a to .z or ._ (an extended missing value), a number with 17 digits, or a text behind a quote.
suppressPackageStartupMessages(library(haven))

escaped <- function(text) {
  text <- enc2utf8(text)
  for (pair in list(c("\\", "\\\\"), c("\n", "\\n"), c("\r", "\\r"), c("\t", "\\t"))) {
    text <- gsub(pair[1], pair[2], text, fixed = TRUE, useBytes = TRUE)
  }
  text
}

kind <- function(column) {
  if (is.character(column)) "text"
  else if (inherits(column, "Date")) "date"
  else if (inherits(column, "POSIXct")) "instant"
  else if (inherits(column, "difftime")) "seconds"
  else "number"
}

tokens <- function(column) {
  # without its class: haven's is.na() is true of declared missing values as well
  if (is.character(column)) {
    column <- as.character(unclass(column))
    return(ifelse(is.na(column), "N", paste0("'", escaped(column))))
  }
  if (inherits(column, "difftime")) units(column) <- "secs"
  values <- as.numeric(unclass(column))
  tags <- if (is.double(column)) na_tag(column) else rep(NA_character_, length(values))
  ifelse(!is.na(tags), paste0(".", tags), ifelse(is.na(values), "N", sprintf("%.17g", values)))
}

readers <- list(sav = function(p) read_sav(p, user_na = TRUE), zsav = function(p) read_sav(p, user_na = TRUE),
                por = function(p) read_por(p, user_na = TRUE), dta = read_dta, xpt = read_xpt, sas7bdat = read_sas)
first <- function(column, names) Filter(Negate(is.null), lapply(names, function(n) attr(column, n)))

for (path in readLines(file("stdin"))) {
  frame <- tryCatch(suppressWarnings(readers[[tolower(tools::file_ext(path))]](path)), error = function(e) NULL)
  if (is.null(frame)) { cat("#unreadable\t", path, "\n", sep = ""); next }
  cat("#file\t", path, "\t", nrow(frame), "\n", sep = "")
  for (name in names(frame)) {
    column <- frame[[name]]
    format <- c(first(column, c("format.sas", "format.spss", "format.stata")), "")[[1]]
    cat("#column\t", kind(column), "\t", format, "\t", escaped(name), "\n", sep = "")
    if (nrow(frame)) writeLines(tokens(column), useBytes = TRUE)
  }
}
