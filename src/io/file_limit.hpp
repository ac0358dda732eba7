// How many descriptors this process may have.
#pragma once

#include <sys/resource.h>

namespace liaison::io {

// As many as the system lets it: each client may take one.
inline void raise_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

}  // namespace liaison::io
