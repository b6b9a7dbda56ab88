//! What describe tells of objects and fields.

use serde_json::{Value as Json, json};

use super::{Field, Object, Type, View};

impl Type {
    /// Its name in describe.
    fn name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Reference => "reference",
            Self::Text => "string",
            Self::TextArea => "textarea",
            Self::Picklist => "picklist",
            Self::Email => "email",
            Self::Url => "url",
            Self::Boolean => "boolean",
            Self::Int => "int",
            Self::Double => "double",
            Self::Currency => "currency",
            Self::Percent => "percent",
            Self::Date => "date",
            Self::DateTime => "datetime",
            Self::Any => "anyType",
            Self::Address => "address",
        }
    }

    fn soap_name(self) -> &'static str {
        match self {
            Self::Id | Self::Reference => "tns:ID",
            Self::Text | Self::TextArea | Self::Picklist | Self::Email | Self::Url => "xsd:string",
            Self::Boolean => "xsd:boolean",
            Self::Int => "xsd:int",
            Self::Double | Self::Currency | Self::Percent => "xsd:double",
            Self::Date => "xsd:date",
            Self::DateTime => "xsd:dateTime",
            Self::Any => "xsd:anyType",
            Self::Address => "urn:address",
        }
    }

    /// What filters on a field of this type must be, in the words of errors.
    pub(crate) fn filter_name(self) -> &'static str {
        match self {
            Self::Boolean => "boolean",
            Self::Int => "int",
            Self::Double | Self::Percent => "double",
            Self::Currency => "currency",
            Self::Date => "date",
            Self::DateTime => "dateTime",
            _ => "string",
        }
    }
}

/// An object as it is listed.
pub(crate) fn summary(object: &Object, base: &str) -> Json {
    let name = object.name;
    let url = format!("{base}/sobjects/{name}");
    let is_changed = object.is_replicateable;
    let parent = if name == "LeadHistory" { "Lead" } else { "Opportunity" };
    let associated = name.ends_with("History").then_some(parent);
    json!({
        "activateable": false,
        "associateEntityType": associated.map(|_| "History"),
        "associateParentEntity": associated,
        "createable": is_changed && associated.is_none(),
        "custom": object.is_custom(),
        "customSetting": false,
        "deepCloneable": false,
        "deletable": is_changed && associated.is_none(),
        "deprecatedAndHidden": false,
        "feedEnabled": false,
        "hasSubtypes": false,
        "isInterface": false,
        "isSubtype": false,
        "keyPrefix": String::from_utf8_lossy(&object.prefix),
        "label": object.label,
        "labelPlural": object.plural,
        "layoutable": associated.is_none(),
        "mergeable": matches!(name, "Account" | "Contact" | "Lead"),
        "mruEnabled": is_changed && associated.is_none(),
        "name": name,
        "queryable": true,
        "replicateable": object.is_replicateable,
        "retrieveable": true,
        "searchable": is_changed && associated.is_none(),
        "triggerable": is_changed && associated.is_none(),
        "undeletable": object.has_bin() && associated.is_none(),
        "updateable": is_changed && associated.is_none(),
        "urls": {
            "sobject": url,
            "describe": format!("{url}/describe"),
            "rowTemplate": format!("{url}/{{ID}}"),
        },
    })
}

/// An object with its fields.
pub(crate) fn describe(object: &Object, view: &View, base: &str) -> Json {
    let mut described = summary(object, base);
    let fields: Vec<Json> =
        view.fields(object).map(|(_, field)| describe_field(object, field)).collect();
    if let Some(map) = described.as_object_mut() {
        map.insert("fields".to_owned(), fields.into());
        for empty in [
            "actionOverrides",
            "childRelationships",
            "namedLayoutInfos",
            "recordTypeInfos",
            "supportedScopes",
        ] {
            map.insert(empty.to_owned(), json!([]));
        }
        for nothing in [
            "defaultImplementation",
            "extendedBy",
            "extendsInterfaces",
            "implementedBy",
            "implementsInterfaces",
            "listviewable",
            "lookupLayoutable",
            "networkScopeFieldName",
            "sobjectDescribeOption",
        ] {
            map.insert(nothing.to_owned(), Json::Null);
        }
        map.insert("compactLayoutable".to_owned(), json!(false));
        map.insert("searchLayoutable".to_owned(), json!(false));
    }
    described
}

/// The compound field that a field is a part of.
fn compound_of(object: &Object, field: &Field) -> Option<&'static str> {
    let is_part = field.name.starts_with("Billing") && field.kind != Type::Address;
    (object.name == "Account" && is_part).then_some("BillingAddress")
}

fn describe_field(object: &Object, field: &Field) -> Json {
    let is_text = matches!(
        field.kind,
        Type::Text | Type::TextArea | Type::Picklist | Type::Email | Type::Url
    );
    let is_system = matches!(
        field.name,
        "Id" | "IsDeleted"
            | "CreatedDate"
            | "CreatedById"
            | "LastModifiedDate"
            | "LastModifiedById"
            | "SystemModstamp"
            | "MasterRecordId"
    );
    let is_writable = object.is_replicateable
        && !is_system
        && !field.calculated
        && !field.is_compound()
        && !object.name.ends_with("History");
    let mut described = json!({
        "aggregatable": !matches!(field.kind, Type::Boolean | Type::TextArea | Type::Any | Type::Address),
        "aiPredictionField": false,
        "autoNumber": false,
        "byteLength": if is_text || matches!(field.kind, Type::Any) { field.length * 3 } else { field.length },
        "calculated": field.calculated,
        "calculatedFormula": field.calculated.then_some("TEXT(\"a formula\")"),
        "cascadeDelete": false,
        "caseSensitive": false,
        "compoundFieldName": compound_of(object, field),
        "controllerName": Json::Null,
        "createable": is_writable,
        "custom": field.is_custom(),
        "defaultValue": if field.kind == Type::Boolean { json!(false) } else { Json::Null },
        "defaultValueFormula": Json::Null,
        "defaultedOnCreate": is_system || field.kind == Type::Boolean,
        "dependentPicklist": false,
        "deprecatedAndHidden": false,
        "digits": if field.kind == Type::Int { 8 } else { 0 },
        "displayLocationInDecimal": false,
        "encrypted": false,
        "externalId": false,
        "extraTypeInfo": Json::Null,
        "filterable": field.filterable,
        "filteredLookupInfo": Json::Null,
        "formulaTreatNullNumberAsZero": false,
        "groupable": !matches!(field.kind, Type::DateTime | Type::TextArea | Type::Any
            | Type::Address | Type::Currency | Type::Double | Type::Percent),
        "highScaleNumber": false,
        "htmlFormatted": false,
        "idLookup": field.kind == Type::Id,
        "inlineHelpText": Json::Null,
        "label": label(field.name),
        "length": field.length,
    });
    let rest = json!({
        "mask": Json::Null,
        "maskType": Json::Null,
        "name": field.name,
        "nameField": field.name == "Name",
        "namePointing": field.reference_to.len() > 1,
        "nillable": field.nillable,
        "permissionable": !is_system && field.nillable,
        "picklistValues": picklist_values(field),
        "polymorphicForeignKey": field.reference_to.len() > 1,
        "precision": field.precision,
        "queryByDistance": false,
        "referenceTargetField": Json::Null,
        "referenceTo": field.reference_to,
        "relationshipName": field.relationship,
        "relationshipOrder": Json::Null,
        "restrictedDelete": false,
        "restrictedPicklist": false,
        "scale": field.scale,
        "searchPrefilterable": field.kind == Type::Reference,
        "soapType": field.kind.soap_name(),
        "sortable": field.sortable,
        "type": field.kind.name(),
        "unique": false,
        "updateable": is_writable,
        "writeRequiresMasterRead": false,
    });
    if let (Json::Object(described), Json::Object(rest)) = (&mut described, rest) {
        described.extend(rest);
    }
    described
}

fn picklist_values(field: &Field) -> Vec<Json> {
    let value = |value: &&str| {
        json!({
            "active": true,
            "defaultValue": false,
            "label": value,
            "validFor": Json::Null,
            "value": value,
        })
    };
    field.picklist.iter().map(value).collect()
}

/// `LastActivityDate` as `Last Activity Date`, `Loss_Reason__c` as `Loss Reason`.
fn label(name: &str) -> String {
    let name = name.strip_suffix("__c").unwrap_or(name);
    let mut label = String::new();
    let mut before = ' ';
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && before.is_ascii_lowercase() {
            label.push(' ');
        }
        label.push(if letter == '_' { ' ' } else { letter });
        before = letter;
    }
    label
}
