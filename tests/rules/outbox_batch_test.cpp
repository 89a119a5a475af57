// Which jobs of a lane leave together.

#include "rules/outbox_batch.h"

#include <gtest/gtest.h>

#include "tests/rules/rule_harness.h"

namespace fogbank::rules {
namespace {

OutboundWork batched(const std::string& url, const std::string& body, OutboundBatch batch = {}) {
    OutboundWork work;
    work.kind = OutboundWork::Kind::http;
    work.batch = batch;
    work.steps.emplace_back();
    work.steps[0].url = url;
    work.steps[0].body = body;
    return work;
}

QueuedJob job_of(std::vector<OutboundWork> work, const std::string& topic = "t") {
    testing::Published published;
    published.topic = topic;
    QueuedJob queued;
    queued.job = std::make_shared<OutboxJob>();
    queued.job->rule = "r";
    queued.job->message = testing::make_message(published);
    queued.job->work = std::move(work);
    return queued;
}

TEST(OutboxBatch, StopsAtTheNumberOfMessages) {
    OutboundBatch three;
    three.messages_max = 3;
    std::deque<QueuedJob> queue;
    for (int i = 0; i < 2; ++i) queue.push_back(job_of({batched("http://a", "1", three)}));
    EXPECT_EQ(jobs_together(queue).jobs, 2U);
    EXPECT_FALSE(jobs_together(queue).complete);
    for (int i = 0; i < 2; ++i) queue.push_back(job_of({batched("http://a", "1", three)}));
    EXPECT_EQ(jobs_together(queue).jobs, 3U);
    EXPECT_TRUE(jobs_together(queue).complete);
}

// The limit is on the body, brackets and commas included; a message that is too large alone still goes, alone.
TEST(OutboxBatch, StopsAtTheBytesOfTheBody) {
    OutboundBatch hundred;
    hundred.bytes_max = 100;
    std::deque<QueuedJob> queue;
    queue.push_back(job_of({batched("http://a", std::string(49, '1'), hundred)}));
    queue.push_back(job_of({batched("http://a", std::string(48, '1'), hundred)}));
    EXPECT_EQ(jobs_together(queue).jobs, 2U);
    EXPECT_EQ(combined_work({queue[0], queue[1]}, 0).steps[0].body.size(), 100U);
    queue[1] = job_of({batched("http://a", std::string(49, '1'), hundred)});
    EXPECT_EQ(jobs_together(queue).jobs, 1U);
    EXPECT_TRUE(jobs_together(queue).complete);
    queue[0] = job_of({batched("http://a", std::string(500, '1'), hundred)});
    EXPECT_EQ(jobs_together(queue).jobs, 1U);
    EXPECT_TRUE(jobs_together(queue).complete);
}

TEST(OutboxBatch, OtherActionsAndUrlsStayApart) {
    OutboundWork plain;
    plain.steps.emplace_back();
    std::deque<QueuedJob> queue{job_of({batched("http://a", "1")}), job_of({batched("http://a", "2"), plain})};
    EXPECT_EQ(jobs_together(queue).jobs, 1U);
    EXPECT_TRUE(jobs_together(queue).complete);
    queue[1] = job_of({batched("http://b", "2")});
    EXPECT_EQ(jobs_together(queue).jobs, 1U);
    EXPECT_NE(lane_of(*queue[0].job), lane_of(*queue[1].job));
    queue = {job_of({plain}), job_of({plain})};
    EXPECT_EQ(jobs_together(queue).jobs, 1U);
}

TEST(OutboxBatch, TopicsShareALaneWhenTold) {
    OutboundBatch across;
    across.across_topics = true;
    const auto lane = [](const OutboundBatch& batch, const std::string& topic) {
        return lane_of(*job_of({batched("http://a", "1", batch)}, topic).job);
    };
    EXPECT_NE(lane({}, "a"), lane({}, "b"));
    EXPECT_EQ(lane(across, "a"), lane(across, "b"));
}

TEST(OutboxBatch, TakesTheLastMessagesHeaders) {
    auto first = batched("http://a", R"({"n":1})");
    auto last = batched("http://a", R"({"n":2})");
    first.steps[0].headers["x"] = "1";
    last.steps[0].headers["x"] = "2";
    const OutboundWork combined = combined_work({job_of({first}), job_of({last})}, 0);
    EXPECT_EQ(combined.steps[0].body, R"([{"n":1},{"n":2}])");
    EXPECT_EQ(combined.steps[0].headers.at("x"), "2");
}

TEST(OutboxBatch, SurvivesTheStore) {
    OutboundBatch batch;
    batch.open = std::chrono::milliseconds(77);
    batch.messages_max = 4;
    batch.bytes_max = 555;
    batch.across_topics = true;
    const QueuedJob queued = job_of({batched("http://a", "1", batch)});
    const auto read = job_from_store(stored_job(*queued.job));
    ASSERT_TRUE(read && read->work.size() == 1 && read->work[0].batch);
    EXPECT_EQ(read->work[0].batch->open, batch.open);
    EXPECT_EQ(read->work[0].batch->messages_max, 4U);
    EXPECT_EQ(read->work[0].batch->bytes_max, 555U);
    EXPECT_TRUE(read->work[0].batch->across_topics);
    EXPECT_EQ(lane_of(*read), lane_of(*queued.job));
}

}  // namespace
}  // namespace fogbank::rules
