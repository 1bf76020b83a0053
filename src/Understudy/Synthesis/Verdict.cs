using System.Text.Json;
using System.Text.Json.Serialization;

namespace Understudy.Synthesis;

/// <summary>What became of a synthetic row, in the order in which the filters look at it. <see cref="SyntheticRow.Reason"/> says more.</summary>
[JsonConverter(typeof(VerdictConverter))]
public enum Verdict
{
    /// <summary>Students train on it.</summary>
    Kept,

    /// <summary>A generated text that is not of the form asked for.</summary>
    Unparsable,

    /// <summary>The label that the model wrote beside its text is not in the label set.</summary>
    LabelUnknown,

    /// <summary>Fewer words than <see cref="FilterOptions.MinWords"/>.</summary>
    TooShort,

    /// <summary>More words than <see cref="FilterOptions.MaxWords"/>.</summary>
    TooLong,

    /// <summary>A validation or test text is the same or shares <see cref="FilterOptions.ContaminationNgram"/> words in a row with it.</summary>
    Contaminated,

    /// <summary>A seed or an earlier synthetic row has the same text.</summary>
    Duplicate,

    /// <summary>A seed or an earlier synthetic row is as similar as <see cref="FilterOptions.NearDuplicate"/>.</summary>
    NearDuplicate,

    /// <summary>The teacher, asked again, gives the text another label than the one it was written for.</summary>
    RelabelDisagrees,

    /// <summary>The teacher finds its label less probable than <see cref="FilterOptions.MinConfidence"/>.</summary>
    LowConfidence,

    /// <summary>Its label had enough rows already.</summary>
    QuotaFull,
}

/// <summary>Verdicts as files and tables spell them: <c>near_duplicate</c>.</summary>
public static class VerdictNames
{
    /// <summary>The verdict in snake_case.</summary>
    public static string Name(this Verdict verdict) => JsonNamingPolicy.SnakeCaseLower.ConvertName(verdict.ToString());
}

internal sealed class VerdictConverter() : JsonStringEnumConverter<Verdict>(JsonNamingPolicy.SnakeCaseLower, allowIntegerValues: false);
