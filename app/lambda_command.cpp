#include "app/lambda_command.h"

#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "app/aws_client.h"
#include "app/data_folder.h"
#include "common/clock.h"
#include "common/common_errc.h"
#include "common/encoding.h"
#include "common/json.h"
#include "lambda/embedded.h"
#include "lambda/package_writer.h"

namespace fogbank::app {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

Error failed(std::string message) {
    return {CommonErrc::invalid_configuration, std::move(message)};
}

Result<void> write_file(const fs::path& file, std::string_view text) {
    std::error_code bad;
    if (!file.parent_path().empty()) fs::create_directories(file.parent_path(), bad);
    std::ofstream out(file, std::ios::binary);
    out << text;
    out.flush();
    if (!out) return failed("`" + file.string() + "` cannot be written");
    return {};
}

/// The headers, for a compiler.
Result<void> write_headers(const fs::path& folder) {
    if (auto written = write_file(folder / "fogbank" / "lambda.h", lambda::sdk_header); !written) return written;
    return write_file(folder / "fogbank" / "json.h", lambda::sdk_json_header);
}

class TemporaryFolder {
  public:
    TemporaryFolder() {
        std::string name = (fs::temp_directory_path() / "fogbank-lambda-XXXXXX").string();
        if (::mkdtemp(name.data()) != nullptr) path_ = name;
    }
    ~TemporaryFolder() {
        std::error_code ignored;
        if (!path_.empty()) fs::remove_all(path_, ignored);
    }
    TemporaryFolder(const TemporaryFolder&) = delete;
    TemporaryFolder& operator=(const TemporaryFolder&) = delete;
    const fs::path& path() const { return path_; }

  private:
    fs::path path_;
};

/// Runs a program of the PATH with this process's input and output; its exit status.
int run_program(std::vector<std::string> words) {
    std::vector<char*> pointers;
    for (std::string& word : words) pointers.push_back(word.data());
    pointers.push_back(nullptr);
    pid_t pid = -1;
    if (::posix_spawnp(&pid, pointers[0], nullptr, nullptr, pointers.data(), environ) != 0) return 127;
    int status = 0;
    if (::waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) return 126;
    return WEXITSTATUS(status);
}

Result<void> build(const fs::path& source, fs::path output, const std::string& compiler, const std::vector<std::string>& more) {
    if (output.empty()) output = fs::path(source).replace_extension(".so");
    const TemporaryFolder headers;
    if (headers.path().empty()) return failed("no folder for the headers can be made");
    if (auto written = write_headers(headers.path()); !written) return written;
    const bool c = source.extension() == ".c";
    std::vector<std::string> words{compiler.empty() ? (c ? "cc" : "c++") : compiler,
                                   c ? "-std=c11" : "-std=c++17",
                                   "-O2",
                                   "-shared",
                                   "-fPIC",
                                   "-fvisibility=hidden",
                                   "-I",
                                   headers.path().string(),
                                   source.string(),
                                   "-o",
                                   output.string()};
    words.insert(words.end(), more.begin(), more.end());
    const int status = run_program(words);
    if (status == 127) return failed("the compiler `" + words[0] + "` cannot be run");
    if (status != 0) return failed("`" + source.string() + "` does not compile");
    std::cout << output.string() << "\n";
    return {};
}

Result<void> make_project(const fs::path& folder) {
    std::error_code ignored;
    if (fs::exists(folder / "handler.cpp", ignored)) return failed("`" + (folder / "handler.cpp").string() + "` is there already");
    if (auto written = write_file(folder / "handler.cpp", lambda::template_handler); !written) return written;
    if (auto written = write_file(folder / "CMakeLists.txt", lambda::template_cmake); !written) return written;
    // For an editor, and for builds without an installed SDK.
    if (auto written = write_headers(folder / "include"); !written) return written;
    std::cout << "wrote " << (folder / "handler.cpp").string() << "\n";
    return {};
}

Result<ClientOptions> running_server(const fs::path& data) {
    const auto text = read_live_endpoints_file(data);
    const auto endpoints = text ? parse_json(*text) : Result<json>(failed({}));
    if (!endpoints || !endpoints->is_object()) {
        return failed("no server runs on the data folder `" + data.string() + "`: start `fogbank serve`, or name the folder with --data");
    }
    ClientOptions out;
    const std::string bind = json_string(*endpoints, "bind");
    out.host = bind == "0.0.0.0" || bind == "::" ? "127.0.0.1" : bind;
    out.port = static_cast<std::uint16_t>(endpoints->value("api_port", 0));
    out.region = json_string(*endpoints, "region");
    out.access_key_id = json_string(*endpoints, "access_key_id");
    out.secret_access_key = json_string(*endpoints, "secret_access_key");
    return out;
}

/// The answer's JSON, or AWS's message.
Result<json> checked(const Result<ClientResponse>& answer) {
    if (!answer) return answer.error();
    auto body = parse_json(answer->body.empty() ? "{}" : std::string_view(answer->body), JsonLimits{16 * 1024 * 1024, 128});
    if (answer->status >= 200 && answer->status < 300 && body) return body;
    std::string message = "HTTP " + std::to_string(answer->status);
    if (body && body->is_object()) message = json_string(*body, "Message", json_string(*body, "message", message));
    return failed(message);
}

struct Deployment {
    std::string name, runtime, handler, role;
    fs::path code;
    std::vector<std::string> variables;
    std::int64_t timeout_s = 0, memory_mb = 0;
    bool link = false;  ///< run from where the code lies
};

/// What the code's name says of its runtime.
Deployment completed(Deployment wanted) {
    std::error_code ignored;
    const fs::path& code = wanted.code;
    const auto has = [&](const char* file) { return fs::exists(code / file, ignored); };
    if (wanted.runtime.empty()) {
        if (code.extension() == ".so") wanted.runtime = "fogbank-cpp";
        if (has("bootstrap")) wanted.runtime = "provided.al2023";
        if (has("index.js") || has("index.mjs") || has("package.json") || code.extension() == ".js" || code.extension() == ".mjs")
            wanted.runtime = "nodejs20.x";
        if (has("app.py") || has("lambda_function.py") || code.extension() == ".py") wanted.runtime = "python3.11";
    }
    if (wanted.handler.empty()) {
        const std::string stem = fs::is_directory(code, ignored) ? std::string() : code.stem().string();
        if (wanted.runtime == "fogbank-cpp") wanted.handler = code.filename().string();
        if (wanted.runtime.starts_with("nodejs")) wanted.handler = (stem.empty() ? "index" : stem) + ".handler";
        if (wanted.runtime.starts_with("python"))
            wanted.handler = (stem.empty() ? (has("app.py") ? "app" : "lambda_function") : stem) + ".lambda_handler";
        if (wanted.runtime.starts_with("provided")) wanted.handler = "bootstrap";
    }
    return wanted;
}

Result<json> code_of(const Deployment& wanted) {
    std::error_code bad;
    if (wanted.link) return json{{"S3Bucket", "fogbank-local-path"}, {"S3Key", fs::absolute(wanted.code, bad).lexically_normal().string()}};
    if (wanted.code.extension() == ".zip") {
        std::ifstream in(wanted.code, std::ios::binary);
        const std::string bytes{std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
        if (bytes.empty()) return failed("`" + wanted.code.string() + "` cannot be read");
        return json{{"ZipFile", base64_encode(bytes)}};
    }
    const auto package = lambda::make_package(wanted.code);
    if (!package) return failed(package.error().message);
    return json{{"ZipFile", base64_encode(*package)}};
}

Result<json> settings_of(const Deployment& wanted) {
    json out = json::object();
    if (!wanted.runtime.empty()) out["Runtime"] = wanted.runtime;
    if (!wanted.handler.empty()) out["Handler"] = wanted.handler;
    if (!wanted.role.empty()) out["Role"] = wanted.role;
    if (wanted.timeout_s > 0) out["Timeout"] = wanted.timeout_s;
    if (wanted.memory_mb > 0) out["MemorySize"] = wanted.memory_mb;
    for (const std::string& variable : wanted.variables) {
        const std::size_t equals = variable.find('=');
        if (equals == std::string::npos) return failed("`" + variable + "` is not NAME=VALUE");
        out["Environment"]["Variables"][variable.substr(0, equals)] = variable.substr(equals + 1);
    }
    return out;
}

constexpr std::string_view functions_path = "/2015-03-31/functions/";

/// Makes the function, or gives it new code and what else was said.
Result<void> deploy(AwsClient& client, const Deployment& given) {
    const Deployment wanted = completed(given);
    const auto code = code_of(wanted);
    if (!code) return code.error();
    auto settings = settings_of(wanted);
    if (!settings) return settings.error();
    const std::string path = std::string(functions_path) + wanted.name;
    const auto known = client.call("lambda", "GET", path, "", "");
    if (!known) return known.error();
    if (known->status == 404) {
        if (wanted.runtime.empty()) return failed("say what runs it: --runtime");
        json request = *settings;
        request["FunctionName"] = wanted.name;
        if (wanted.role.empty()) request["Role"] = "arn:aws:iam::000000000000:role/" + wanted.name;
        request["Code"] = *code;
        const auto made = checked(client.call("lambda", "POST", functions_path, "", request.dump()));
        if (!made) return made.error();
        std::cout << "created " << json_string(*made, "FunctionArn") << "\n";
        return {};
    }
    if (!given.runtime.empty() || !given.handler.empty() || !given.role.empty() || given.timeout_s > 0 || given.memory_mb > 0 ||
        !given.variables.empty()) {
        const auto only_given = settings_of(given);
        if (!only_given) return only_given.error();
        const auto changed = checked(client.call("lambda", "PUT", path + "/configuration", "", only_given->dump()));
        if (!changed) return changed.error();
    }
    const auto updated = checked(client.call("lambda", "PUT", path + "/code", "", code->dump()));
    if (!updated) return updated.error();
    std::cout << "updated " << json_string(*updated, "FunctionArn") << "\n";
    return {};
}

Result<void> invoke(AwsClient& client, const std::string& name, std::string payload) {
    if (payload.starts_with("@")) {
        std::ifstream in(payload.substr(1), std::ios::binary);
        if (!in) return failed("`" + payload.substr(1) + "` cannot be read");
        payload.assign(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    }
    const auto answer = client.call("lambda", "POST", std::string(functions_path) + name + "/invocations", "", payload);
    if (answer && answer->status == 200) {
        std::cout << answer->body << "\n";
        return {};
    }
    const auto refused = checked(answer);
    return refused ? failed("HTTP " + std::to_string(answer->status)) : refused.error();
}

}  // namespace

struct LambdaCommand::Arguments {
    CLI::App *make = nullptr, *build = nullptr, *deploy = nullptr, *invoke = nullptr;
    fs::path data = "data", folder, source, output;
    std::string compiler, payload = "{}";
    std::vector<std::string> compiler_options;
    Deployment deployment;
};

LambdaCommand::LambdaCommand(CLI::App& program) : arguments_(std::make_unique<Arguments>()) {
    Arguments& a = *arguments_;
    command_ = program.add_subcommand("lambda", "Functions: write, build, deploy and try them.");
    command_->require_subcommand(1);
    a.make = command_->add_subcommand("new", "Write a template of a C++ function into a folder.");
    a.make->add_option("folder", a.folder, "Folder; made if it is not there")->required();

    a.build = command_->add_subcommand(
        "build", "Compile one C or C++ file into a function, with the system's compiler. Options after `--` go to it.");
    a.build->add_option("source", a.source, "The file")->required()->check(CLI::ExistingFile);
    a.build->add_option("--out,-o", a.output, "The shared object [default: beside the file]")->type_name("FILE");
    a.build->add_option("--compiler", a.compiler, "[default: c++, or cc for .c]")->type_name("PROGRAM");
    a.build->add_option("options", a.compiler_options, "For the compiler: -O3, -lfoo …");

    const auto with_server = [&a](CLI::App* command) {
        command->add_option("name", a.deployment.name, "Name of the function")->required();
        command->add_option("--data", a.data, "Data folder of the running server")
            ->type_name("DIR")
            ->envname("FOGBANK_DATA")
            ->capture_default_str();
    };
    a.deploy = command_->add_subcommand("deploy", "Create a function on the running server, or give it new code.");
    with_server(a.deploy);
    a.deploy->add_option("code", a.deployment.code, "A shared object, a script, a folder or a zip")->required()->check(CLI::ExistingPath);
    a.deploy->add_option("--runtime", a.deployment.runtime,
                         "fogbank-cpp, nodejs20.x, python3.11, provided.al2023 … [default: by the code's name]");
    a.deploy->add_option("--handler", a.deployment.handler, "As on AWS: index.handler [default: by the runtime]");
    a.deploy->add_option("--role", a.deployment.role, "ARN of the role it runs with")->type_name("ARN");
    a.deploy->add_option("--env", a.deployment.variables, "An environment variable; may be repeated")->type_name("NAME=VALUE");
    a.deploy->add_option("--timeout", a.deployment.timeout_s, "Seconds [default: 3]");
    a.deploy->add_option("--memory", a.deployment.memory_mb, "MB [default: 128]");
    a.deploy->add_flag("--link", a.deployment.link, "Run the code from where it lies: a build or an edit takes effect at once");

    a.invoke = command_->add_subcommand("invoke", "Run a function and print its result.");
    with_server(a.invoke);
    a.invoke->add_option("event", a.payload, "JSON, or @FILE")->capture_default_str();
}

LambdaCommand::~LambdaCommand() = default;

bool LambdaCommand::parsed() const {
    return command_->parsed();
}

ExitCode LambdaCommand::run() const {
    const Arguments& a = *arguments_;
    const auto result = [&]() -> Result<void> {
        if (a.make->parsed()) return make_project(a.folder);
        if (a.build->parsed()) return build(a.source, a.output, a.compiler, a.compiler_options);
        auto server = running_server(a.data);
        if (!server) return server.error();
        const SystemClock clock;
        AwsClient client(std::move(*server), clock);
        return a.deploy->parsed() ? deploy(client, a.deployment) : invoke(client, a.deployment.name, a.payload);
    }();
    if (result) return ExitCode::ok;
    std::cerr << "fogbank: " << result.error().message << "\n";
    return ExitCode::failed;
}

}  // namespace fogbank::app
