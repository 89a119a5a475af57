#include "common/settings.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "app/local_names.h"
#include "app/settings_sources.h"

namespace fogbank::app {
namespace {

std::filesystem::path file_with(const std::string& text) {
    const auto path = std::filesystem::path(::testing::TempDir()) / ("fogbank-settings-" + std::to_string(::getpid()) + ".toml");
    std::ofstream(path) << text;
    return path;
}

TEST(Settings, EveryRowReadsBackWhatItWrites) {
    const Settings defaults;
    for (const SettingRow& row : settings_table()) {
        Settings settings;
        const std::string shown = row.get(defaults);
        if (shown.empty()) continue;
        ASSERT_TRUE(set_setting(settings, row.name, {shown})) << row.name;
        EXPECT_EQ(row.get(settings), shown);
    }
}

TEST(Settings, NamesAreUnique) {
    std::set<std::string_view> names;
    for (const SettingRow& row : settings_table()) EXPECT_TRUE(names.insert(row.name).second) << row.name;
}

TEST(Settings, RefusesValuesOutOfRange) {
    Settings settings;
    for (const auto& [name, value] : std::vector<std::pair<std::string, std::string>>{{"api_port", "65536"},
                                                                                      {"api_port", "-1"},
                                                                                      {"api_port", "80x"},
                                                                                      {"api_port", ""},
                                                                                      {"mqtt_port", "-2"},
                                                                                      {"account", "1234"},
                                                                                      {"region", "US East"},
                                                                                      {"endpoint_name", "a b"},
                                                                                      {"durability", "none"},
                                                                                      {"log_level", "loud"},
                                                                                      {"shards", "1000"},
                                                                                      {"no_such_setting", "1"}}) {
        const auto set = set_setting(settings, name, {value});
        ASSERT_FALSE(set) << name << "=" << value;
        EXPECT_NE(set.error().message.find(name), std::string::npos) << set.error().message;
    }
}

TEST(SettingsFile, ReadsStringsIntegersAndLists) {
    Settings settings;
    const auto path = file_with("api_port = 4567\nregion = \"eu-west-1\"\nendpoint_name = [\"a.example\", \"10.0.0.1\"]\n");
    ASSERT_TRUE(apply_file(settings, path));
    EXPECT_EQ(settings.api_port, 4567);
    EXPECT_EQ(settings.region.str(), "eu-west-1");
    EXPECT_EQ(settings.endpoint_names, (std::vector<std::string>{"a.example", "10.0.0.1"}));
}

TEST(SettingsFile, NamesFileAndLineOfWhatIsWrong) {
    for (const char* text : {"api_port = 4567\nregio = \"x\"\n", "api_port = 1.5\n", "api_port = [\n", "[table]\nx = 1\n"}) {
        Settings settings;
        const auto path = file_with(text);
        const auto applied = apply_file(settings, path);
        ASSERT_FALSE(applied) << text;
        EXPECT_NE(applied.error().message.find(path.string() + ":"), std::string::npos) << applied.error().message;
    }
}

TEST(SettingsEnvironment, TakesItsOwnVariablesAndRefusesUnknownOnes) {
    Settings settings;
    const char* good[] = {"HOME=/root", "FOGBANK_API_PORT=99", "FOGBANK_ENDPOINT_NAME=a.example,b.example", "FOGBANK_CONFIG=/x", nullptr};
    ASSERT_TRUE(apply_environment(settings, good));
    EXPECT_EQ(settings.api_port, 99);
    EXPECT_EQ(settings.endpoint_names.size(), 2U);
    const char* bad[] = {"FOGBANK_API_PROT=99", nullptr};
    const auto applied = apply_environment(settings, bad);
    ASSERT_FALSE(applied);
    EXPECT_NE(applied.error().message.find("FOGBANK_API_PROT"), std::string::npos);
}

TEST(CertificateNames, CoverLocalNamesAwsFormsAndWhatTheUserAdded) {
    Settings settings;
    settings.region = Region("eu-west-3");
    settings.endpoint_names = {"broker.example"};
    const auto names = certificate_names(settings, LocalNames{{"plant"}, {"192.0.2.7"}});
    for (const char* expected : {"localhost", "127.0.0.1", "::1", "plant", "192.0.2.7", "broker.example", "*.iot.eu-west-3.amazonaws.com",
                                 "data-ats.iot.eu-west-3.amazonaws.com"})
        EXPECT_NE(std::find(names.begin(), names.end(), expected), names.end()) << expected;
    EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
}

TEST(GatewayHost, PrefersTheUsersNameThenTheBoundThenTheMachinesAddress) {
    Settings settings;
    const LocalNames local{{"plant"}, {"192.0.2.7"}};
    EXPECT_EQ(gateway_host(settings, local), "192.0.2.7");
    settings.bind = "127.0.0.1";
    EXPECT_EQ(gateway_host(settings, local), "localhost");
    settings.bind = "192.0.2.8";
    EXPECT_EQ(gateway_host(settings, local), "192.0.2.8");
    settings.endpoint_names = {"broker.example"};
    EXPECT_EQ(gateway_host(settings, local), "broker.example");
}

}  // namespace
}  // namespace fogbank::app
