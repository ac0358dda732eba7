// Assertions that stay on in production: a broken invariant stops the process rather than corrupt a
// call.
#pragma once

#include <cstdio>
#include <cstdlib>

#define ENSURE(condition)                                                                          \
  do {                                                                                             \
    if (!(condition)) [[unlikely]] {                                                               \
      (void)std::fprintf(stderr, "%s:%d: broken invariant: %s\n", __FILE__, __LINE__, #condition); \
      std::abort();                                                                                \
    }                                                                                              \
  } while (false)
