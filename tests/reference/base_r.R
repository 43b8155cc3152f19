# Makes base_r_eap.csv and base_r_linking.csv with base R alone: Rscript tests/reference/base_r.R tests/reference
# mirt prints scores with nine digits, and none of its sets links two banks. What is written here has all 17 digits, in
# the plainest form of the textbooks' formulas, so that it shares nothing with the code that is compared with it.

folder <- commandArgs(trailingOnly = TRUE)[1]
table_of <- function(name) read.csv(file.path(folder, paste0(name, ".csv")))
digits <- function(x) if (is.numeric(x)) sprintf("%.17g", x) else x
write <- function(frame, name) {
  frame[] <- lapply(frame, digits)
  write.csv(frame, file.path(folder, paste0(name, ".csv")), row.names = FALSE, quote = FALSE)
}

# Posterior means and SDs: likelihood times normal prior, summed over equally spaced points.
eap <- function(right, items, from, to, points, mean = 0, sd = 1) {
  theta <- seq(from, to, length.out = points)
  p <- items$g + (1 - items$g) * plogis(outer(-items$b, theta, "+") * items$a)
  one <- function(row) {
    answered <- !is.na(row)
    given <- ifelse(row[answered] == 1, 1, 0)
    likelihood <- apply(given * p[answered, ] + (1 - given) * (1 - p[answered, ]), 2, prod)
    density <- likelihood * dnorm(theta, mean, sd)
    m <- sum(density * theta) / sum(density)
    c(m, sqrt(sum(density * (theta - m)^2) / sum(density)))
  }
  t(apply(right, 1, one))
}

scores <- NULL
for (fit in c("own2pl_2pl", "own2pl_rasch", "own3pl_3pl_prior")) {
  right <- as.matrix(table_of(paste0(sub("_.*", "", fit), "_responses")))[1:200, ]
  right <- rbind(right, 1, 0) # and all right, all wrong
  items <- table_of(paste0(fit, "_items"))
  sd <- if (fit == "own2pl_rasch") sqrt(1.03268114415746) else 1
  found <- cbind(
    eap(right, items, -6, 6, 61, 0, sd), eap(right, items, -4, 4, 41, 0, sd), eap(right, items, -12, 12, 1201, 0, sd),
    eap(right, items, -16, 16, 1601, 0.5, sqrt(2))
  )
  colnames(found) <- c(
    "EAP61", "EAP61_SE", "EAP41_4", "EAP41_4_SE", "EAP1201_12", "EAP1201_12_SE", "EAP_m05_v2", "EAP_m05_v2_SE"
  )
  scores <- rbind(scores, data.frame(fit = fit, found))
}
write(scores, "base_r_eap")

# Linking own2pl's fitted items (Y) to its true ones (X): theta_X = A theta_Y + B. Kolen & Brennan (2014), chapter 6.
y <- table_of("own2pl_2pl_items")
x <- table_of("own2pl_true_items")
population_sd <- function(v) sqrt(mean((v - mean(v))^2))
through_means <- function(slope) c(slope, mean(x$b) - slope * mean(y$b))

# Points and weights of Gauss-Hermite for N(0, 1), by Golub & Welsch (1969).
n <- 30
jacobi <- matrix(0, n, n)
jacobi[cbind(1:(n - 1), 2:n)] <- jacobi[cbind(2:n, 1:(n - 1))] <- sqrt(1:(n - 1))
spectrum <- eigen(jacobi, symmetric = TRUE)
normal <- list(theta = spectrum$values, weight = spectrum$vectors[1, ]^2)
even <- list(theta = seq(-4, 4, length.out = 40), weight = rep(1, 40))

# Least squares of the differences between curves, by Gauss-Newton steps until they are rounding.
by_curves <- function(at, summed) {
  target <- plogis(outer(-x$b, at$theta, "+") * x$a)
  point <- through_means(exp(mean(log(y$a / x$a))))
  for (step in 1:500) {
    z <- (at$theta - point[2]) / point[1]
    p <- plogis(outer(-y$b, z, "+") * y$a)
    slope <- p * (1 - p) * y$a
    off <- p - target
    by_a <- sweep(slope, 2, -z / point[1], "*")
    by_b <- slope * (-1 / point[1])
    if (summed) {
      off <- colSums(off)
      by_a <- colSums(by_a)
      by_b <- colSums(by_b)
      weight <- at$weight
    } else {
      weight <- rep(at$weight, each = nrow(off))
    }
    j <- cbind(as.vector(by_a), as.vector(by_b))
    change <- solve(crossprod(j, j * weight), crossprod(j, as.vector(off) * weight))
    point <- point - as.vector(change)
    if (max(abs(change)) < 1e-15) break
  }
  point
}

linking <- list(
  list("mean-mean", "", through_means(mean(y$a) / mean(x$a))),
  list("mean-sigma", "", through_means(population_sd(x$b) / population_sd(y$b))),
  list("mean-gmean", "", through_means(exp(mean(log(y$a / x$a))))),
  list("Haebara", "normal", by_curves(normal, FALSE)),
  list("Stocking-Lord", "normal", by_curves(normal, TRUE)),
  list("Haebara", "even", by_curves(even, FALSE)),
  list("Stocking-Lord", "even", by_curves(even, TRUE))
)
write(
  do.call(rbind, lapply(linking, function(r) data.frame(method = r[[1]], weights = r[[2]], A = r[[3]][1], B = r[[3]][2]))),
  "base_r_linking"
)
