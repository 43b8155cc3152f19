# mirt is in none of Debian's packages: what surrounds it is tested, and its one call where it is installed.
request <- function(model, rows) {
  lines <- paste(rows$user, rows$item, rows$correct, sep = ",", collapse = "\n")
  bytes("{\"model\": \"", model, "\"}\nuser,item,correct\n", lines, "\n")
}

# What mirt_fit may give, asked with `of`, which no `a` abbreviates after the dots.
fit_of <- function(..., of) {
  n <- ncol(of)
  fitted <- list(
    a = rep(1, n), b = seq_len(n) / 10, c = rep(0, n), se_a = rep(0.1, n), se_b = rep(0.2, n), se_c = rep(NA_real_, n),
    mean = 0, sd = 1, log_likelihood = -3, cycles = 4L, warnings = character()
  )
  utils::modifyList(fitted, list(...))
}

answered <- function(answer) jsonlite::parse_json(write_json(answer))

test_that("mirt sees users x items, with NA for what was not answered, and its parameters come back by id", {
  rows <- exam(40L, b = c(x = -1, y = 0, z = 1))
  rows <- rows[!(rows$user == 2L & rows$item == "y"), ]
  seen <- NULL
  fit <- function(answers, model) {
    seen <<- list(answers = answers, model = model)
    fit_of(of = answers, c = c(0.1, 0.2, 0.3), se_c = c(0.01, 0.02, 0.03))
  }
  answer <- answered(calibrate(request("3PL", rows), fit))
  expect_identical(seen$model, "3PL")
  expect_identical(dim(seen$answers), c(40L, 3L))
  expect_identical(which(is.na(seen$answers)), 42L)
  of <- function(user, item) rows$correct[rows$user == user & rows$item == item]
  expect_identical(seen$answers[5L, ], c(of(5L, "x"), of(5L, "y"), of(5L, "z")))
  expect_identical(answer[c("n_users", "n_responses", "cycles")], list(n_users = 40L, n_responses = 119L, cycles = 4L))
  expect_identical(answer$item_params$y, list(
    a = 1L, b = 0.2, c = 0.2, se = list(a = 0.1, b = 0.2, c = 0.02), n_answers = 39L
  ))
  expect_identical(read_bank(answer$item_params)$model, "3PL")
  expect_identical(answer[c("left_out", "warnings")], list(left_out = list(), warnings = list()))
})

test_that("a standard error that mirt has not is null, and what mirt warned of is told", {
  fit <- function(answers, model) {
    fit_of(of = answers, se_a = c(NA, Inf, NaN), warnings = "Could not invert information matrix", sd = 1.5)
  }
  answer <- answered(calibrate(request("Rasch", exam(40L)), fit))
  for (item in answer$item_params) expect_identical(item$se, list(a = NULL, b = 0.2, c = NULL))
  expect_identical(answer$warnings, list("Could not invert information matrix"))
  expect_identical(answer$group, list(mean = 0L, sd = 1.5))
})

test_that("what cannot be calibrated is refused before mirt is asked", {
  never <- function(answers, model) stop("was asked")
  rows <- exam(40L)
  expect_refused(calibrate(request("4PL", rows), never), "model")
  expect_refused(calibrate(bytes("{}\nuser,item,correct\nu,x,1\n"), never), "model")
  expect_refused(calibrate(bytes("{\"model\": [\"2PL\"]}\nuser,item,correct\nu,x,1\n"), never), "model")
  expect_refused(calibrate(request("2PL", rbind(rows, rows[7L, ])), never), "user")
  expect_refused(calibrate(request("2PL", exam(40L, b = c(x = 0, y = 1))), never), NULL, 422L)
  expect_refused(calibrate(request("2PL", exam(29L)), never), NULL, 422L)
})

test_that("a table that mirt has no memory for is refused, not allocated", {
  answers <- list(user = 1L, item = 1L, correct = 1L, items = as.character(1:1000), n_users = 50001L)
  expect_refused(answer_matrix(answers), NULL, 422L)
})

test_that("items are left out before and after the fit, each with its reason", {
  rows <- exam(40L, b = c(p = 0, q = 0, r = 0, s = 0, t = 0))
  easy <- data.frame(user = 1:30, item = "easy", correct = 1L)
  rare <- data.frame(user = 1:29, item = "rare", correct = 0:28 %% 2L)
  fit <- function(answers, model) fit_of(of = answers, a = c(1, -0.4, 1, 1, 7))
  answer <- answered(calibrate(request("2PL", rbind(rows, easy, rare)), fit))
  expect_identical(vapply(answer$item_params, `[[`, 0, "b"), c(p = 0.1, r = 0.3, s = 0.4))
  expect_identical(vapply(answer$left_out, `[[`, "", "item"), c("easy", "q", "rare", "t"))
  expect_identical(vapply(answer$left_out, `[[`, "", "reason"), c(
    "all 30 answers right", "discrimination -0.40 is negative: able learners fail it; is its key right?",
    "29 answers, fewer than 30", "discrimination 7.00 is above 5"
  ))
})

test_that("where no item is of use there is no bank", {
  useless <- function(answers, model) fit_of(of = answers, a = c(0, 0, 0))
  expect_refused(calibrate(request("2PL", exam(40L)), useless), NULL, 422L)
})

test_that("without mirt the answer is 501", {
  skip_if(requireNamespace("mirt", quietly = TRUE), "mirt is installed")
  expect_refused(calibrate(request("2PL", exam(40L))), NULL, 501L)
})

test_that("mirt finds the parameters that made the answers", {
  skip_if_not_installed("mirt")
  b <- c(p = -1, q = -0.5, r = 0, s = 0.5, t = 1)
  for (model in c("Rasch", "2PL", "3PL")) {
    answer <- answered(calibrate(request(model, exam(2000L, b))))
    found <- read_bank(answer$item_params)
    se <- vapply(answer$item_params, function(item) item$se$b, 0)
    expect_lt(max(abs(found$b - b) / se), 4)
    expect_lt(max(se), 0.5)
    if (model == "Rasch") expect_equal(answer$group$sd, 1.5, tolerance = 0.1)
  }
})
