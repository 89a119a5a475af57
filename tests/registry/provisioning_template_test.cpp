// Templates to plans: parameters, functions, what is refused.
#include "registry/provisioning_template.h"

#include <gtest/gtest.h>

namespace fogbank::registry {
namespace {

std::string thing_named(const std::string& value) {
    return R"({"Parameters":{"A":{"Type":"String"},"B":{"Type":"String","Default":"x,y,z"}},"Mappings":{"M":{"k":{"v":"mapped"}}},
               "Resources":{"t":{"Type":"AWS::IoT::Thing","Properties":{"ThingName":)" +
           value + "}}}}";
}

struct ValueCase {
    const char* value;
    const char* expected;
};

class TemplateValue : public ::testing::TestWithParam<ValueCase> {};

TEST_P(TemplateValue, Resolves) {
    const auto plan = expand_template(thing_named(GetParam().value), TemplateKind::fleet, {{"A", "alpha"}});
    ASSERT_TRUE(plan) << plan.error().message;
    EXPECT_EQ(plan->thing->name, GetParam().expected);
}

INSTANTIATE_TEST_SUITE_P(
    Cases, TemplateValue,
    ::testing::Values(ValueCase{R"("plain")", "plain"}, ValueCase{R"({"Ref":"A"})", "alpha"}, ValueCase{R"({"Ref":"B"})", "x,y,z"},
                      ValueCase{R"({"Fn::Join":["-",["a",{"Ref":"A"},"c"]]})", "a-alpha-c"},
                      ValueCase{R"({"Fn::Select":["1",{"Fn::Split":[",",{"Ref":"B"}]}]})", "y"},
                      ValueCase{R"({"Fn::Select":[0,["p","q"]]})", "p"}, ValueCase{R"({"Fn::FindInMap":["M","k","v"]})", "mapped"},
                      ValueCase{R"({"Fn::Sub":"${A}/${!A}/$"})", "alpha/${A}/$"},
                      ValueCase{R"({"Fn::Sub":["${X}-${A}",{"X":{"Fn::Select":["2",{"Fn::Split":[",",{"Ref":"B"}]}]}}]})", "z-alpha"}));

TEST(Template, WhatCannotBeResolvedIsARegistrationFailure) {
    for (const char* value :
         {R"({"Ref":"A"})", R"({"Ref":"Undeclared"})", R"({"Fn::Select":["9",["a"]]})", R"({"Fn::FindInMap":["M","k","none"]})"}) {
        const auto plan = expand_template(thing_named(value), TemplateKind::fleet, {});
        ASSERT_FALSE(plan) << value;
        EXPECT_EQ(plan.error().code, Errc::resource_registration_failure) << plan.error().message;
    }
}

TEST(Template, MalformedOnesAreRefusedWhenTheyAreMade) {
    for (const char* body :
         {"", "{", "[]", "{}", R"({"Resources":{}})", R"({"Resources":[]})", R"({"Resources":{"x":1}})",
          R"({"Resources":{"x":{"Type":"T"}}})", R"({"Resources":{"t":{"Type":"AWS::IoT::Thing"}}})",
          R"({"Resources":{"t":{"Type":"AWS::IoT::Thing","Properties":{"ThingName":1}}}})",
          R"({"Resources":{"t":{"Type":"AWS::IoT::Thing","Properties":{"ThingName":"a","Other":"b"}}}})",
          R"({"Resources":{"p":{"Type":"AWS::IoT::Policy","Properties":{"PolicyName":"a"}}}})",
          R"({"Resources":{"c":{"Type":"AWS::IoT::Certificate","Properties":{"CertificateId":"a","Status":"REVOKED"}}}})",
          R"({"Unknown":{},"Resources":{"t":{"Type":"AWS::IoT::Thing","Properties":{"ThingName":"a"}}}})"}) {
        const auto checked = check_template(body, TemplateKind::fleet);
        ASSERT_FALSE(checked) << body;
        EXPECT_EQ(checked.error().code, Errc::invalid_request) << body;
    }
    EXPECT_FALSE(check_template(std::string(20'000, ' '), TemplateKind::fleet));
    EXPECT_FALSE(check_template(std::string(5'000, '['), TemplateKind::fleet));
}

TEST(Template, FunctionsAreForFleetTemplatesOnly) {
    const std::string body = thing_named(R"({"Fn::Join":["",["a"]]})");
    EXPECT_TRUE(check_template(body, TemplateKind::fleet));
    EXPECT_FALSE(check_template(body, TemplateKind::jitp));
    EXPECT_FALSE(check_template(body, TemplateKind::register_thing));
}

TEST(Template, NestedJoinsDoNotGrowWithoutBound) {
    std::string value = R"("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa")";
    for (int i = 0; i < 6; ++i) value = R"({"Fn::Join":["",[)" + value + "," + value + "," + value + "," + value + "]]}";
    const auto plan = expand_template(thing_named(value), TemplateKind::fleet, {{"A", "a"}});
    EXPECT_TRUE(!plan || plan->thing->name.size() <= 65'536);
}

TEST(Template, OverridesAndDeviceConfiguration) {
    const auto plan = expand_template(
        R"({"Resources":{"t":{"Type":"AWS::IoT::Thing","Properties":{"ThingName":"n","AttributePayload":{"a":"b"},"ThingGroups":["g","h"]},
            "OverrideSettings":{"AttributePayload":"MERGE","ThingTypeName":"REPLACE","ThingGroups":"FAIL"}}},
            "DeviceConfiguration":{"a":"b","n":1,"t":true}})",
        TemplateKind::fleet, {});
    ASSERT_TRUE(plan) << plan.error().message;
    EXPECT_EQ(plan->thing->attributes_override, Override::merge);
    EXPECT_EQ(plan->thing->type_override, Override::replace);
    EXPECT_EQ(plan->thing->groups_override, Override::fail);
    EXPECT_EQ(plan->thing->groups, (std::vector<std::string>{"g", "h"}));
    EXPECT_EQ(plan->device_configuration, R"({"a":"b","n":1,"t":true})");
}

}  // namespace
}  // namespace fogbank::registry
