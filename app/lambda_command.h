/// `fogbank lambda …`: write, build, deploy and try functions from the shell.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "app/command_line.h"

namespace CLI {
class App;
}

namespace fogbank::app {

class LambdaCommand {
  public:
    /// Adds the sub-command and its own sub-commands to `program`, which must outlive this.
    explicit LambdaCommand(CLI::App& program);
    ~LambdaCommand();
    LambdaCommand(const LambdaCommand&) = delete;
    LambdaCommand& operator=(const LambdaCommand&) = delete;

    bool parsed() const;
    ExitCode run() const;

  private:
    struct Arguments;
    CLI::App* command_ = nullptr;
    std::unique_ptr<Arguments> arguments_;
};

}  // namespace fogbank::app
