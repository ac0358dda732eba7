// One function for each check: each has a file of its name.
#pragma once

#include <memory>

#include "sim/check.hpp"

namespace liaison::sim {

std::unique_ptr<Check> admission_check();
std::unique_ptr<Check> allowance_check();
std::unique_ptr<Check> assignment_check();
std::unique_ptr<Check> delivery_check();
std::unique_ptr<Check> isolation_check();
std::unique_ptr<Check> key_frame_check();
std::unique_ptr<Check> memory_check();
std::unique_ptr<Check> queue_check();
std::unique_ptr<Check> reconnecting_check();
std::unique_ptr<Check> repair_check();
std::unique_ptr<Check> roster_check();
std::unique_ptr<Check> sequence_check();
std::unique_ptr<Check> srtp_index_check();

}  // namespace liaison::sim
