/* @model
description: The first time that somebody of ours called, wrote to or met a lead, as far as the CRM logged it and up to the as-of instant. Incoming calls and mails, bounces, bulk mail, to-dos and cancelled meetings are no outreach; what was done with a merged lead counts for its survivor.
grain: [lead_id]
kind: table
owner: revops
tags: [crm, leads, activities]
columns:
  lead_id: {type: string, doc: "connection:source id", checks: [not_null]}
  first_outreach_at: {type: timestamp, doc: "moment of the first outreach; null: none that is known to be one"}
  first_undirected_at: {type: timestamp, doc: "moment of the first logged e-mail of which the CRM does not say whether it went out or came in; null: none"}
*/
with
task as (
    select * from staging.stg_salesforce__tasks
),
mail as (
    select * from staging.stg_salesforce__email_messages
),
event as (
    select * from staging.stg_salesforce__events
),
salesforce_lead as (
    select * from staging.stg_salesforce__leads
),
hubspot_call as (
    select * from staging.stg_hubspot__calls
),
hubspot_call_lead as (
    select * from staging.stg_hubspot__calls_to_leads
),
hubspot_email as (
    select * from staging.stg_hubspot__emails
),
hubspot_email_lead as (
    select * from staging.stg_hubspot__emails_to_leads
),
hubspot_meeting as (
    select * from staging.stg_hubspot__meetings
),
hubspot_meeting_lead as (
    select * from staging.stg_hubspot__meetings_to_leads
),
merged as (
    select * from intermediate.int_merge where object = 'lead'
),
mail_of_task as (
    select
        connection,
        task_id,
        bool_or(is_incoming) as is_incoming,
        bool_or(is_bounced) as is_bounced,
        min(sent_at) as sent_at
    from mail
    where task_id is not null
    group by connection, task_id
),
salesforce_touch as (
    select
        task.connection,
        task.who_id,
        coalesce(mail_of_task.sent_at, task.completed_at, task.created_at) as at,
        task.task_subtype = 'Email' and mail_of_task.task_id is null as is_undirected
    from task
    left join mail_of_task
        on task.connection = mail_of_task.connection and task.task_id = mail_of_task.task_id
    where
        task.who_id is not null
        and coalesce(task.is_closed, false)
        and (
            (
                task.task_subtype = 'Call'
                and coalesce(task.call_type, '') not in ('Inbound', 'Internal')
            )
            or (
                task.task_subtype = 'Email'
                and not coalesce(mail_of_task.is_incoming, false)
                and not coalesce(mail_of_task.is_bounced, false)
            )
        )
    union all
    select connection, who_id, starts_at as at, false as is_undirected
    from event
    where who_id is not null and not coalesce(is_all_day, false)
),
-- When Salesforce converts a lead, its activities move to the contact.
became_contact as (
    select
        connection,
        lead_id,
        converted_contact_id as contact_id,
        created_at,
        converted_date
    from salesforce_lead
    where is_converted and converted_contact_id is not null
),
touch as (
    select
        connection || ':' || who_id as lead_id,
        at,
        is_undirected
    from salesforce_touch
    where who_id like '00Q%'
    union all
    select
        became_contact.connection || ':' || became_contact.lead_id as lead_id,
        salesforce_touch.at,
        salesforce_touch.is_undirected
    from became_contact
    inner join salesforce_touch
        on became_contact.connection = salesforce_touch.connection
        and became_contact.contact_id = salesforce_touch.who_id
        and salesforce_touch.at >= became_contact.created_at
        and cast(salesforce_touch.at as date) <= became_contact.converted_date
    union all
    select
        link.connection || ':' || link.lead_id as lead_id,
        call.called_at as at,
        false as is_undirected
    from hubspot_call as call
    inner join hubspot_call_lead as link
        on call.connection = link.connection and call.call_id = link.call_id
    where coalesce(call.direction, 'OUTBOUND') = 'OUTBOUND'
    union all
    select
        link.connection || ':' || link.lead_id as lead_id,
        email.sent_at as at,
        email.direction is null as is_undirected
    from hubspot_email as email
    inner join hubspot_email_lead as link
        on email.connection = link.connection and email.email_id = link.email_id
    where
        coalesce(email.direction, 'EMAIL') = 'EMAIL'
        and coalesce(email.status, 'SENT') not in ('BOUNCED', 'FAILED')
    union all
    select
        link.connection || ':' || link.lead_id as lead_id,
        meeting.starts_at as at,
        false as is_undirected
    from hubspot_meeting as meeting
    inner join hubspot_meeting_lead as link
        on meeting.connection = link.connection and meeting.meeting_id = link.meeting_id
    where coalesce(meeting.outcome, '') <> 'CANCELED'
),
redirected as (
    select
        coalesce(merged.survivor_id, touch.lead_id) as lead_id,
        touch.at,
        touch.is_undirected
    from merged
    right join touch on merged.loser_id = touch.lead_id
    where touch.at <= $as_of
),
final as (
    select
        lead_id,
        min(case when not is_undirected then at end) as first_outreach_at,
        min(case when is_undirected then at end) as first_undirected_at
    from redirected
    group by lead_id
)
select lead_id, first_outreach_at, first_undirected_at
from final
