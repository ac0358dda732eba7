#include "sim/check.hpp"

#include "sim/checks/checks.hpp"
#include "sim/world.hpp"

namespace liaison::sim {

std::string first_unmet(const World& world, std::string (*of)(const Browser&)) {
  for (const auto& browser : world.browsers()) {
    if (!browser->wants_in()) continue;
    if (std::string why = of(*browser); !why.empty()) return why;
  }
  return {};
}

Checks all_checks() {
  Checks checks;
  checks.push_back(srtp_index_check());
  checks.push_back(admission_check());
  checks.push_back(isolation_check());
  checks.push_back(assignment_check());
  checks.push_back(sequence_check());
  checks.push_back(key_frame_check());
  checks.push_back(repair_check());
  checks.push_back(allowance_check());
  checks.push_back(reconnecting_check());
  checks.push_back(queue_check());
  checks.push_back(roster_check());
  checks.push_back(delivery_check());
  checks.push_back(memory_check());
  return checks;
}

}  // namespace liaison::sim
