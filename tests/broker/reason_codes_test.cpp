#include "broker/reason_codes.h"

#include <gtest/gtest.h>

#include <set>

namespace fogbank::broker {
namespace {

// The names go to devices' lifecycle events and to metrics: each must be AWS's, and each once.
TEST(DisconnectReasons, HaveDistinctNamesInTheOrderOfTheirValues) {
    std::set<std::string_view> names;
    for (std::size_t i = 0; i < all_disconnect_reasons.size(); ++i) {
        EXPECT_EQ(static_cast<std::size_t>(all_disconnect_reasons[i]), i);
        const std::string_view name = disconnect_reason_name(all_disconnect_reasons[i]);
        EXPECT_FALSE(name.empty());
        EXPECT_EQ(name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ_"), std::string_view::npos) << name;
        EXPECT_TRUE(names.insert(name).second) << name;
    }
    EXPECT_EQ(disconnect_reason_name(DisconnectReason::duplicate_clientid), "DUPLICATE_CLIENTID");
    EXPECT_EQ(disconnect_reason_name(DisconnectReason::customauth_ttl_expiration), "CUSTOMAUTH_TTL_EXPIRATION");
}

TEST(DisconnectReasons, OnlyTheClientsOwnDisconnectSuppressesTheWill) {
    for (const DisconnectReason reason : all_disconnect_reasons) {
        EXPECT_EQ(sends_will(reason), reason != DisconnectReason::client_initiated_disconnect) << disconnect_reason_name(reason);
        EXPECT_EQ(is_client_initiated(reason), reason == DisconnectReason::client_initiated_disconnect) << disconnect_reason_name(reason);
    }
}

TEST(RefusalTable, HasOneRowPerCauseInOrder) {
    std::set<std::string_view> names;
    ASSERT_EQ(refusal_table().size(), refusal_cause_count);
    for (std::size_t i = 0; i < refusal_table().size(); ++i) {
        const RefusalRow& row = refusal_table()[i];
        EXPECT_EQ(static_cast<std::size_t>(row.cause), i) << row.name;
        EXPECT_TRUE(names.insert(row.name).second) << row.name;
        EXPECT_FALSE(row.source.empty()) << row.name;
    }
}

// A CONNACK with return code 0 would tell a refused client that it is welcome.
TEST(RefusalTable, ConnackRowsCarryARefusingCodeAndOthersNone) {
    for (const RefusalRow& row : refusal_table()) {
        const bool answers = row.aws == WireAnswer::connack || row.relaxed == WireAnswer::connack;
        EXPECT_EQ(row.connack != mqtt::ConnectReturnCode::accepted, answers) << row.name;
    }
}

TEST(RefusalTable, EveryErrorOfTheCodecHasACauseThatEndsTheConnection) {
    for (const mqtt::Errc error :
         {mqtt::Errc::malformed, mqtt::Errc::too_large, mqtt::Errc::unsupported_version, mqtt::Errc::protocol_violation}) {
        const RefusalCause cause = refusal_cause(error);
        EXPECT_NE(cause, RefusalCause::internal_error);
        EXPECT_EQ(refusal_row(cause).disconnect_reason, DisconnectReason::client_error);
    }
    EXPECT_EQ(wire_answer(refusal_cause(mqtt::Errc::unsupported_version), QuotaProfile::aws), WireAnswer::connack);
}

TEST(RefusalTable, AwsClosesWhereTheRelaxedProfileAnswers) {
    EXPECT_EQ(wire_answer(RefusalCause::subscribe_not_authorized, QuotaProfile::aws), WireAnswer::close);
    EXPECT_EQ(wire_answer(RefusalCause::subscribe_not_authorized, QuotaProfile::relaxed), WireAnswer::suback_failure);
    EXPECT_EQ(wire_answer(RefusalCause::connect_not_authorized, QuotaProfile::aws), WireAnswer::close);
    EXPECT_EQ(wire_answer(RefusalCause::connect_not_authorized, QuotaProfile::relaxed), WireAnswer::connack);
}

}  // namespace
}  // namespace fogbank::broker
