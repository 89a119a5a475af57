#include <unistd.h>

#include <string_view>

#include "app/command_line.h"
#include "lambda/worker.h"

int main(int argc, char** argv) {
    // A hidden mode: function handlers run in processes of this program.
    if (argc > 1 && argv[1] == fogbank::lambda::worker_mode) return fogbank::lambda::run_worker(argc, argv);
    return static_cast<int>(fogbank::app::run_command_line(argc, argv, environ));
}
