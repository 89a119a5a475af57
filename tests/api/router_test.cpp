#include "api/router.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

namespace fogbank::api {
namespace {

const Router& control() {
    static const Router router{iot_things_operations(), iot_certificates_operations(), iot_policies_operations(), iot_rules_operations(),
                               iot_endpoint_operations()};
    return router;
}
const Router& data() {
    static const Router router{iot_data_operations()};
    return router;
}
const Router& functions() {
    static const Router router{lambda_operations()};
    return router;
}

std::string routed(const Router& router, std::string_view method, std::string_view path) {
    const auto match = router.match(method, path);
    if (!match) return "none";
    if (match->operation == nullptr) return "wrong method";
    std::string out(match->operation->name);
    for (const auto& [name, value] : match->labels) out += " " + std::string(name) + "=" + value;
    return out;
}

TEST(Router, ControlPlane) {
    EXPECT_EQ(routed(control(), "POST", "/things/a"), "CreateThing thingName=a");
    EXPECT_EQ(routed(control(), "GET", "/things"), "ListThings");
    EXPECT_EQ(routed(control(), "GET", "/things/a%3Ab"), "DescribeThing thingName=a:b");
    EXPECT_EQ(routed(control(), "PUT", "/things/a/principals"), "AttachThingPrincipal thingName=a");
    EXPECT_EQ(routed(control(), "GET", "/principals/things"), "ListPrincipalThings");
    EXPECT_EQ(routed(control(), "PUT", "/target-policies/p"), "AttachPolicy policyName=p");
    EXPECT_EQ(routed(control(), "POST", "/target-policies/p"), "DetachPolicy policyName=p");
    EXPECT_EQ(routed(control(), "GET", "/policies/p/version/2"), "GetPolicyVersion policyName=p policyVersionId=2");
    EXPECT_EQ(routed(control(), "PATCH", "/rules/r"), "ReplaceTopicRule ruleName=r");
    EXPECT_EQ(routed(control(), "POST", "/rules/r/disable"), "DisableTopicRule ruleName=r");
}

// A label is decoded after the path was split, so an encoded slash stays within it (reference registry, 1.3).
TEST(Router, EncodedSlashStaysInItsLabel) {
    EXPECT_EQ(routed(control(), "POST", "/attached-policies/arn%3Aaws%3Aiot%3Ar%3Aa%3Acert%2Fab"),
              "ListAttachedPolicies target=arn:aws:iot:r:a:cert/ab");
}

TEST(Router, TopicsMayComeEncodedOrNot) {
    EXPECT_EQ(routed(data(), "POST", "/topics/%24aws%2Fa%20b"), "Publish topic=$aws/a b");
    EXPECT_EQ(routed(data(), "POST", "/topics/plant/1/temperature"), "Publish topic=plant/1/temperature");
    EXPECT_EQ(routed(data(), "POST", "/topics/a//b/"), "Publish topic=a//b/");
    EXPECT_EQ(routed(data(), "POST", "/topics/"), "none");
    EXPECT_EQ(routed(data(), "POST", "/topics"), "none");
}

TEST(Router, ListFunctionsWithAndWithoutSlash) {
    EXPECT_EQ(routed(functions(), "GET", "/2015-03-31/functions/"), "ListFunctions");
    EXPECT_EQ(routed(functions(), "GET", "/2015-03-31/functions"), "ListFunctions");
    EXPECT_EQ(routed(functions(), "POST", "/2015-03-31/functions/f/invocations"), "Invoke FunctionName=f");
}

TEST(Router, WhatIsNotThere) {
    EXPECT_EQ(routed(control(), "GET", "/"), "none");
    EXPECT_EQ(routed(control(), "GET", ""), "none");
    EXPECT_EQ(routed(control(), "GET", "/things/"), "none");
    EXPECT_EQ(routed(control(), "GET", "/things/a/b/c"), "none");
    EXPECT_EQ(routed(control(), "GET", "/things/%zz"), "none");
    EXPECT_EQ(routed(control(), "BREW", "/things"), "wrong method");
    EXPECT_EQ(routed(control(), "GET", std::string(20'000, '/')), "none");
}

TEST(Router, NoTwoOperationsOfATableShareMethodAndShape) {
    for (const auto& table : {iot_things_operations(), iot_certificates_operations(), iot_policies_operations(), iot_rules_operations(),
                              iot_endpoint_operations(), iot_data_operations(), lambda_operations()}) {
        std::set<std::string> seen;
        for (const Operation& operation : table)
            EXPECT_TRUE(seen.insert(std::string(operation.method) + " " + std::string(operation.path)).second);
    }
}

}  // namespace
}  // namespace fogbank::api
