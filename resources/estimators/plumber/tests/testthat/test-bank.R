bank_of <- function(text) read_bank(read_json(paste0("{\"p\":", text, "}"))$p)

test_that("both forms of item_params give the same bank", {
  keyed <- bank_of("{\"7\": {\"a\": 1, \"b\": -1}, \"x\": {\"a\": 2, \"b\": 0.5, \"c\": 0.2}}")
  listed <- bank_of("[{\"item_id\": 7, \"a\": 1, \"b\": -1}, {\"item_id\": \"x\", \"a\": 2, \"b\": 0.5, \"c\": 0.2}]")
  expect_identical(keyed, listed)
  expect_identical(keyed, list(id = c("7", "x"), a = c(1, 2), b = c(-1, 0.5), c = c(0, 0.2), model = "3PL"))
})

test_that("a bank without guessing is a 2PL", {
  expect_identical(bank_of("{\"1\": {\"a\": 1, \"b\": 0, \"c\": 0}}")$model, "2PL")
})

test_that("a c of null is none, as the predecessor's callers send it for a 2PL; a and b cannot be null", {
  expect_identical(bank_of("{\"1\": {\"a\": 1, \"b\": 0, \"c\": null}}")$c, 0)
  expect_refused(bank_of("{\"1\": {\"a\": null, \"b\": 0, \"c\": 0}}"), "item_params.1.a")
})

test_that("numbers keep all their digits on the way in and out", {
  for (x in c(0.1, 1 / 3, 1e-300, 2^53 + 2, -0)) {
    expect_identical(bank_of(sprintf("{\"1\": {\"a\": 1, \"b\": %s}}", exact(x)))$b, x)
  }
})

test_that("a whole number is an id in full, and nothing else is", {
  expect_identical(as_id(100000), "100000")
  expect_identical(as_id(9007199254740991), "9007199254740991")
  for (no_id in list(1.5, 2^53, TRUE, NULL, "", list(), c("a", "b"))) expect_identical(as_id(no_id), NA_character_)
})

test_that("a prior is complete or absent", {
  expect_identical(read_prior(NULL), list(mean = 0, sd = 1))
  expect_identical(read_prior(list(mean = 1L, sd = 2L)), list(mean = 1, sd = 2))
  expect_refused(read_prior(list(mean = 1)), "prior.sd")
  expect_refused(read_prior(list(mean = 1, sd = 0)), "prior.sd")
  expect_refused(read_prior(list(mean = "0", sd = 1)), "prior.mean")
  expect_refused(read_prior(3), "prior")
})

test_that("a batch's prior is one number or one per user, each of mean and sd for itself", {
  expect_identical(read_prior(NULL, 3L), list(mean = 0, sd = 1))
  expect_identical(read_prior(list(mean = 1L, sd = 2L), 3L), list(mean = 1, sd = 2))
  expect_identical(read_prior(list(mean = list(1L, -2.5), sd = 2), 2L), list(mean = c(1, -2.5), sd = 2))
  expect_identical(read_prior(list(mean = list(0), sd = list(0.5)), 1L), list(mean = 0, sd = 0.5))
  expect_refused(read_prior(list(mean = list(0, 0), sd = 1), 3L), "prior.mean")
  expect_refused(read_prior(list(mean = list(0), sd = 1), 3L), "prior.mean")
  expect_refused(read_prior(list(mean = list(), sd = 1), 3L), "prior.mean")
  expect_refused(read_prior(list(mean = 0, sd = list(1, 1, 1, 1)), 3L), "prior.sd")
  for (value in list("0", TRUE, NULL, Inf, NaN, list(0))) {
    expect_refused(read_prior(list(mean = list(0, value), sd = 1), 2L), "prior.mean[1]")
  }
  expect_refused(read_prior(list(mean = 0, sd = list(1, 0)), 2L), "prior.sd[1]")
  expect_refused(read_prior(list(mean = 0, sd = list(-1, 1)), 2L), "prior.sd[0]")
})

test_that("one learner's prior is not a list", {
  expect_refused(read_prior(list(mean = list(0), sd = 1)), "prior.mean")
})
