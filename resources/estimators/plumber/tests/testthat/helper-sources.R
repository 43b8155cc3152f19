for (part in list.files(testthat::test_path("..", "..", "R"), pattern = "[.]R$", full.names = TRUE)) {
  source(part, encoding = "UTF-8")
}

bytes <- function(...) charToRaw(paste0(...))

expect_refused <- function(code, field, status = 400L) {
  caught <- tryCatch(
    {
      force(code)
      NULL
    },
    refusal = identity
  )
  testthat::expect_s3_class(caught, "refusal")
  testthat::expect_identical(caught$field, field)
  testthat::expect_identical(caught$status, status)
}

item_bank <- function(a, b, c = 0 * a) list(id = as.character(seq_along(a)), a = a, b = b, c = c, model = "2PL")

standard_normal <- list(mean = 0, sd = 1)
