// Connection: custom authorizers, and ends that are set at the beginning. Source: reference "broker", sections 4 and 6.
#include <boost/asio/co_spawn.hpp>

#include "broker/connection.h"
#include "broker/core.h"
#include "broker/shard_state.h"
#include "broker/websocket_upgrade.h"
#include "common/common_errc.h"

namespace fogbank::broker {
namespace asio = boost::asio;

Connection::Lifetime& Connection::lifetime() {
    if (!lifetime_) lifetime_ = std::make_unique<Lifetime>();
    return *lifetime_;
}

/// The authorizer is named in the upgrade, or in the user name: `name?x-amz-customauthorizer-name=…&<token key>=…`.
void Connection::ask_custom(const mqtt::Connect& connect, ConnectionFacts facts) {
    if (home_.core.custom == nullptr) {
        const std::string detail = "no client certificate, and this server has no custom authorizers";
        home_.core.lifecycle.connect_failed(identity_, detail);
        return refuse(RefusalCause::connect_not_authorized, detail);
    }
    CustomCredentials credentials = custom_ ? std::move(*custom_) : CustomCredentials();
    custom_.reset();
    credentials.over_mqtt = true;
    credentials.client_id = identity_.client_id.str();
    credentials.user_name = std::string(connect.user_name.value_or(std::string_view()));
    credentials.password = std::string(connect.password.value_or(std::string_view()));
    credentials.server_name = facts.server_name;
    credentials.remote_ip = identity_.source_ip;
    const std::size_t mark = credentials.user_name.find('?');
    if (credentials.authorizer_name.empty() && mark != std::string::npos) {
        UpgradeRequest query;
        query.query = credentials.user_name.substr(mark + 1);
        credentials.authorizer_name = query_value(query, authorizer_name_key);
        credentials.token_signature = query_value(query, authorizer_signature_key);
        credentials.query_string = std::move(query.query);
    }
    lifetime().custom = std::make_unique<CustomCredentials>(credentials);
    lifetime().facts = facts;
    asio::co_spawn(shard_.io(), judge_custom(shared_from_this(), std::move(credentials), std::move(facts)),
                   [self = shared_from_this()](std::exception_ptr thrown) {
                       if (thrown) self->close(DisconnectReason::server_error, "the custom authorizer failed with an exception");
                   });
}

asio::awaitable<void> Connection::judge_custom(std::shared_ptr<Connection> self, CustomCredentials credentials, ConnectionFacts facts) {
    Result<CustomGrant> grant = co_await self->home_.core.custom->authenticate_custom(std::move(credentials), std::move(facts));
    if (grant && !grant->permissions) grant = Error(CommonErrc::invalid_configuration, "the custom authorizer gave no permissions");
    self->on_custom_grant(std::move(grant));
}

void Connection::on_custom_grant(Result<CustomGrant> grant) {
    if (closed()) return;
    home_.take_time();
    if (!grant) {
        if (state_ == State::connected) return close(DisconnectReason::auth_error, "custom authorizer: " + grant.error().message);
        home_.core.lifecycle.connect_failed(identity_, grant.error().message);
        return refuse(RefusalCause::connect_not_authorized, "custom authorizer: " + grant.error().message);
    }
    if (state_ == State::connected) {
        // A refresh: the policies are replaced, the end stays where it was.
        access_.reset(std::move(grant->permissions));
        if (grant->refresh_after) lifetime().refresh_at = home_.now() + *grant->refresh_after;
        return arm_wake();
    }
    identity_.principal_id = grant->principal.id;
    Lifetime& times = lifetime();
    times.reason = DisconnectReason::customauth_ttl_expiration;
    if (grant->disconnect_after) times.ends_at = home_.now() + *grant->disconnect_after;
    if (grant->refresh_after) times.refresh_at = home_.now() + *grant->refresh_after;
    on_permissions(std::move(grant->permissions));
}

bool Connection::check_lifetime() {
    if (home_.now() >= lifetime_->ends_at) {
        const bool custom = lifetime_->reason == DisconnectReason::customauth_ttl_expiration;
        close(lifetime_->reason, custom ? "the time that the custom authorizer granted is over" : "a signed WebSocket lives for 24 hours");
        return true;
    }
    if (home_.now() < lifetime_->refresh_at || !lifetime_->custom) return false;
    lifetime_->refresh_at = SteadyTime::max();
    CustomCredentials credentials = *lifetime_->custom;
    ConnectionFacts facts = lifetime_->facts;
    asio::co_spawn(shard_.io(), judge_custom(shared_from_this(), std::move(credentials), std::move(facts)),
                   [self = shared_from_this()](std::exception_ptr thrown) {
                       if (thrown) self->close(DisconnectReason::server_error, "the custom authorizer failed with an exception");
                   });
    return false;
}

}  // namespace fogbank::broker
