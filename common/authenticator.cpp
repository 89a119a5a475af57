#include "common/authenticator.h"

namespace fogbank {

std::string_view iot_action_name(IotAction action) {
    switch (action) {
        case IotAction::connect:
            return "iot:Connect";
        case IotAction::publish:
            return "iot:Publish";
        case IotAction::retain_publish:
            return "iot:RetainPublish";
        case IotAction::subscribe:
            return "iot:Subscribe";
        case IotAction::receive:
            return "iot:Receive";
        case IotAction::get_thing_shadow:
            return "iot:GetThingShadow";
        case IotAction::update_thing_shadow:
            return "iot:UpdateThingShadow";
        case IotAction::delete_thing_shadow:
            return "iot:DeleteThingShadow";
        case IotAction::list_named_shadows_for_thing:
            return "iot:ListNamedShadowsForThing";
        case IotAction::get_retained_message:
            return "iot:GetRetainedMessage";
        case IotAction::list_retained_messages:
            return "iot:ListRetainedMessages";
        case IotAction::assume_role_with_certificate:
            return "iot:AssumeRoleWithCertificate";
    }
    return "iot:Unknown";
}

std::string_view iot_resource_type(IotAction action) {
    switch (action) {
        case IotAction::connect:
            return "client";
        case IotAction::subscribe:
            return "topicfilter";
        case IotAction::get_thing_shadow:
        case IotAction::update_thing_shadow:
        case IotAction::delete_thing_shadow:
        case IotAction::list_named_shadows_for_thing:
            return "thing";
        case IotAction::assume_role_with_certificate:
            return "rolealias";
        default:
            return "topic";
    }
}

}  // namespace fogbank
