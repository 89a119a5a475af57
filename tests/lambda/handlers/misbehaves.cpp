// Does what it is asked to, which is never good.
#include <fogbank/lambda.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <vector>

static fogbank::lambda::Json handle(const std::string& event, fogbank::lambda::Context& context) {
    static int calls = 0;
    static std::vector<std::vector<char>> leaked;
    ++calls;
    const std::string what = fogbank::lambda::JsonView(event).at("do").string();
    if (what == "segfault") std::raise(SIGSEGV);
    if (what == "abort") std::abort();
    if (what == "exit") std::exit(7);
    if (what == "throw") throw std::range_error("asked to");
    if (what == "leak") leaked.emplace_back(std::size_t{48} << 20, 'x');
    if (what == "hang") {
        context.log("hanging");
        for (;;) static_cast<void>(context.remaining_ms());
    }
    if (what == "print") std::puts("printed");
    if (what == "environment") return "\"" + std::string(context.environment("GREETING")) + "\"";
    return std::to_string(calls);
}
FOGBANK_LAMBDA_HANDLER(handle);
