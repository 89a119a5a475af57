// What holds for all documents: merge, delta, record and text agree with each other on random input.
#include <gtest/gtest.h>

#include <random>

#include "shadow/document.h"
#include "shadow/merge.h"
#include "shadow/record.h"

namespace fogbank::shadow {
namespace {

/// Small documents with few names, so that paths meet.
class Documents {
  public:
    explicit Documents(unsigned seed) : random_(seed) {}

    Value object(int levels, bool nulls) {
        Value out = Value::object();
        const int count = pick(4);
        for (int i = 0; i < count; ++i) {
            const std::string name(1, static_cast<char>('a' + pick(5)));
            if (out.find(name) == nullptr) out.members.push_back({name, value(levels, nulls)});
        }
        return out;
    }
    int pick(int below) { return static_cast<int>(random_() % static_cast<unsigned>(below)); }

  private:
    Value value(int levels, bool nulls) {
        Value out;
        out.timestamp_s = pick(1000);
        const int kind = pick(nulls ? 8 : 7);
        if (kind <= 2 && levels > 0) return object(levels - 1, nulls);
        if (kind == 3 && levels > 0) {
            out.kind = Value::Kind::array;
            const int count = pick(3);
            for (int i = 0; i < count; ++i) out.elements.push_back(value(levels - 1, false));
            return out;
        }
        if (kind == 7) return Value();
        out.kind = kind == 4 ? Value::Kind::boolean : kind == 5 ? Value::Kind::string : Value::Kind::number;
        out.text = kind == 4 ? (pick(2) == 0 ? "true" : "false") : std::to_string(pick(3));
        return out;
    }
    std::mt19937 random_;
};

constexpr int rounds = 5000;

Value merged(Value section, const Value& update) {
    merge(section, update);
    return section;
}

bool has_null(const Value& value) {
    if (value.is_null()) return true;
    return std::any_of(value.members.begin(), value.members.end(), [](const Member& m) { return has_null(m.value); });
}

TEST(ShadowProperties, MergeThenDeltaOfEqualStatesIsEmpty) {
    Documents documents(1);
    for (int i = 0; i < rounds; ++i) {
        const Value base = documents.object(3, false);
        const Value update = documents.object(3, true);
        const Value a = merged(base, update);
        const Value b = merged(base, update);
        EXPECT_TRUE(delta(a, b).members.empty()) << to_json(a);
        EXPECT_FALSE(has_null(a)) << to_json(a);
    }
}

TEST(ShadowProperties, MergingTwiceIsMergingOnce) {
    Documents documents(2);
    for (int i = 0; i < rounds; ++i) {
        const Value update = documents.object(3, true);
        const Value once = merged(documents.object(3, false), update);
        const Value twice = merged(once, update);
        EXPECT_TRUE(equal(once, twice)) << to_json(once) << " " << to_json(update);
    }
}

// A device that does what the delta says has what was desired.
TEST(ShadowProperties, ApplyingADeltaReachesDesired) {
    Documents documents(3);
    for (int i = 0; i < rounds; ++i) {
        const Value desired = documents.object(3, false);
        const Value reported = documents.object(3, false);
        const Value difference = delta(desired, reported);
        const Value after = merged(reported, difference);
        EXPECT_TRUE(delta(desired, after).members.empty()) << to_json(desired) << " " << to_json(reported) << " " << to_json(difference);
    }
}

// Nothing is in a delta that desired does not have, and with its time.
TEST(ShadowProperties, ADeltaIsAPartOfDesired) {
    Documents documents(4);
    for (int i = 0; i < rounds; ++i) {
        const Value desired = documents.object(3, false);
        const Value difference = delta(desired, documents.object(3, false));
        EXPECT_TRUE(equal(merged(desired, difference), desired));
        std::string whole;
        std::string again;
        append_metadata_json(whole, desired);
        append_metadata_json(again, merged(desired, difference));
        EXPECT_EQ(whole, again);
    }
}

TEST(ShadowProperties, DisjointUpdatesCommute) {
    Documents documents(5);
    for (int i = 0; i < rounds; ++i) {
        const Value base = documents.object(3, false);
        std::vector<Value> updates(3, Value::object());
        for (const Member& member : documents.object(3, true).members) {
            updates[static_cast<std::size_t>(documents.pick(3))].members.push_back(member);
        }
        std::vector<std::size_t> order{0, 1, 2};
        Value first;
        do {
            Value state = base;
            for (const std::size_t at : order) merge(state, updates[at]);
            if (order == std::vector<std::size_t>{0, 1, 2}) first = state;
            EXPECT_TRUE(equal(state, first));
        } while (std::next_permutation(order.begin(), order.end()));
    }
}

TEST(ShadowProperties, TextReadAgainIsTheSame) {
    Documents documents(6);
    for (int i = 0; i < rounds; ++i) {
        const Value value = documents.object(4, true);
        const auto again = parse_value(to_json(value), ValueLimits());
        ASSERT_TRUE(again.has_value());
        EXPECT_EQ(to_json(*again), to_json(value));
    }
}

TEST(ShadowProperties, ARecordReadAgainIsTheSame) {
    Documents documents(7);
    for (int i = 0; i < rounds; ++i) {
        Document document;
        document.desired = documents.object(4, false);
        document.reported = documents.object(4, false);
        document.version = documents.pick(1'000'000);
        const std::string bytes = encode_document(document);
        const auto again = decode_record(bytes);
        ASSERT_TRUE(again.has_value() && again->document);
        EXPECT_EQ(document_json(*again->document), document_json(document));
        EXPECT_EQ(encode_document(*again->document), bytes);
    }
}

TEST(ShadowProperties, DamagedRecordsAreRefusedOrRead) {
    Documents documents(8);
    for (int i = 0; i < rounds; ++i) {
        Document document;
        document.desired = documents.object(3, false);
        document.version = 300;
        std::string bytes = encode_document(document);
        const auto at = static_cast<std::size_t>(documents.pick(static_cast<int>(bytes.size())));
        EXPECT_FALSE(decode_record(bytes.substr(0, at)).has_value());
        bytes[at] = static_cast<char>(documents.pick(256));
        (void)decode_record(bytes);  // must end, within the bytes
    }
}

// Large objects are searched by an index, small ones one by one: both find the same.
TEST(ShadowProperties, LargeObjectsMergeAsSmallOnes) {
    Value section = Value::object();
    Value update = Value::object();
    for (int i = 0; i < 1000; ++i) {
        Value number;
        number.kind = Value::Kind::number;
        number.text = std::to_string(i);
        section.members.push_back({"k" + std::to_string(i), number});
        if (i % 3 == 0) update.members.push_back({"k" + std::to_string(i), Value()});
        if (i % 3 == 1) update.members.push_back({"n" + std::to_string(i), number});
    }
    merge(section, update);
    EXPECT_EQ(section.members.size(), 1000U - 334 + 333);
    EXPECT_EQ(section.find("k3"), nullptr);
    ASSERT_NE(section.find("k4"), nullptr);
    ASSERT_NE(section.find("n4"), nullptr);
    EXPECT_EQ(delta(section, section).members.size(), 0U);
}

}  // namespace
}  // namespace fogbank::shadow
