/// The child's side of a worker process: a hidden mode of the program.
///
///     fogbank lambda-worker run PARENT MEMORY_MB OBJECT     loads OBJECT and serves invocations on descriptor 3
///     fogbank lambda-worker exec PARENT PROGRAM ARGUMENT…   becomes PROGRAM, which dies with PARENT
#pragma once

#include <string_view>

namespace fogbank::lambda {

/// The first argument of the mode.
inline constexpr std::string_view worker_mode = "lambda-worker";

/// Runs the mode to its end; the result is the exit status. For main(), before anything else was set up.
int run_worker(int argc, char** argv);

}  // namespace fogbank::lambda
