#include <unistd.h>

#include "app/command_line.h"

int main(int argc, char** argv) {
    return static_cast<int>(fogbank::app::run_command_line(argc, argv, environ));
}
