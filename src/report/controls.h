// Which entries and figures bear on which control of NIST SP 800-53 (revision 5) and SOC 2.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "report/figures.h"

namespace keyturn::report {

struct Control {
  std::string_view id, family, title, says;
  std::vector<std::string_view> types;  // "identity." : all that begin so
};
const std::vector<Control>& controls();

// "AU-10,CC8.1"; "CC6": all of its family; "": all. Code: usage.
[[nodiscard]] Result<std::vector<const Control*>> choose_controls(const std::string& list);

// Named figures of this period that bear on it.
std::vector<std::pair<std::string, std::string>> figures_for(const Control& control,
                                                             const Story& story,
                                                             const Figures& figures);

}  // namespace keyturn::report
