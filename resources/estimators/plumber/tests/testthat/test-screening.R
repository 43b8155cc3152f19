# A group of `n` learners of its own: users and items are renamed.
group <- function(n, name) {
  rows <- exam(n)
  transform(rows, user = paste0(name, user), item = paste0(name, item))
}

as_rows <- function(rows) transform(rows, user = as.character(user))

test_that("an item of few answers, or all alike, and a user who has only such, are not calibrated from", {
  rows <- rbind(
    data.frame(user = c("a", 1:30), item = "wrong", correct = 0L),
    data.frame(user = c("b", "1"), item = "few", correct = 0:1), as_rows(exam(30L))
  )
  answers <- before_calibration(rows)
  expect_identical(answers$items, c("x", "y", "z"))
  expect_identical(answers$n_users, 30L)
  expect_identical(answers$left_out, data.frame(
    item = c("wrong", "few"), reason = c("all 31 answers wrong", "2 answers, fewer than 30")
  ))
  expect_identical(answers$correct, rows$correct[34:123])
  expect_identical(answers$items[answers$item], rows$item[34:123])
})

test_that("fewer than three items are refused with the count, and the reason of one that is left out", {
  two <- as_rows(exam(40L, b = c(x = 0, y = 1)))
  expect_error(before_calibration(two), "^Of 2 items 2 can be calibrated, and at least 3 must be[.]$")
  easy <- rbind(two, data.frame(user = as.character(1:40), item = "easy", correct = 1L))
  expect_error(before_calibration(easy), "^Of 3 items 2 can .* 3 must be: easy, for one, has all 40 answers right[.]$")
})

test_that("groups that share no item are refused with their number and an item of each; one learner connects them", {
  rows <- rbind(group(40L, "k"), group(40L, "l"), group(40L, "m"))
  expect_refused(refuse_disconnected(before_calibration(rows)), "item", 422L)
  expect_error(refuse_disconnected(before_calibration(rows)), "apart into 3 groups.*One item of each: kx, lx, mx[.]")
  bridges <- data.frame(user = c("k1", "l1"), item = c("lx", "mz"), correct = 1L)
  expect_silent(refuse_disconnected(before_calibration(rbind(rows, bridges))))
  expect_refused(refuse_disconnected(before_calibration(rbind(rows, bridges[1L, ]))), "item", 422L)
})

test_that("components are those of a search from each item, and a chain of booklets is one", {
  set.seed(5L)
  for (n_answers in c(20L, 60L, 100L, 140L)) {
    answers <- list(
      user = sample.int(60L, n_answers, TRUE), item = sample.int(40L, n_answers, TRUE), items = as.character(1:40)
    )
    touches <- unclass(table(factor(answers$item, 1:40), answers$user)) > 0L
    near <- touches %*% t(touches) > 0L | diag(40L) > 0L
    for (step in 1:6) near <- near %*% near > 0L
    expect_identical(components(answers), unname(apply(near, 1L, which.max)))
  }
  chain <- list(user = rep(1:999, each = 2L), item = c(rbind(1:999, 2:1000)), items = as.character(1:1000))
  expect_identical(components(chain), rep(1L, 1000L))
})

test_that("coin flips are refused in 99 of 100 sets, and answers that hang together are not", {
  refused <- function(rows) {
    caught <- tryCatch(refuse_unrelated(before_calibration(as_rows(rows))), refusal = identity)
    identical(caught$code, "unrelated")
  }
  b <- stats::setNames(seq(-1, 1, length.out = 10L), letters[1:10])
  rows <- exam(100L, b)
  flips <- replicate(400L, {
    rows$correct <- stats::rbinom(nrow(rows), 1L, stats::plogis(b[rows$item]))
    refused(rows[stats::runif(nrow(rows)) < 0.8, ])
  })
  expect_gt(mean(flips), 0.97) # 0.99 - 4 SEs of a share of 400
  expect_false(refused(exam(100L, b, a = 0.7)))
})

test_that("after the fit an item stays out that is no basis for scoring, for the first reason that it gives", {
  fitted <- list(a = c(NaN, -1, 0.05, 6, 1, 1, 1, 1), b = c(0, 0, 90, 0, NaN, 21.5, -19, 21), mean = 1, sd = 2)
  expect_identical(after_calibration(fitted, letters[1:8]), data.frame(
    item = letters[1:6],
    reason = c(
      "discrimination NaN is not finite", "discrimination -1.00 is negative: able learners fail it; is its key right?",
      "discrimination 0.05 is below 0.1", "discrimination 6.00 is above 5", "difficulty NaN is not finite",
      "difficulty 21.5 is more than 10 SDs from the learners"
    )
  ))
})
