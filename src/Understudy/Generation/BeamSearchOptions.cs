using Understudy.Data;
using static Understudy.Data.OptionBounds;

namespace Understudy.Generation;

/// <summary>When beam search stops looking for better texts; values of transformers' <c>early_stopping</c>.</summary>
public enum BeamStopping
{
    /// <summary><c>false</c>: once the best unfinished text, as long as it is now, scores no better than the worst finished one.</summary>
    Estimate,

    /// <summary><c>true</c>: once there are as many finished texts as beams.</summary>
    WhenFull,

    /// <summary><c>"never"</c>: once no unfinished text can score better than the worst finished one at any length.</summary>
    Never,
}

/// <summary>How beam search chooses among texts. Names and defaults are those of Hugging Face's <c>GenerationConfig</c>.</summary>
public sealed record BeamSearchOptions
{
    /// <summary>Texts that are followed at once, at least 1; 1 is greedy search.</summary>
    /// <value>The default value is 4.</value>
    public int NumBeams { get; init; } = 4;

    /// <summary>A text's score is the sum of its log-probabilities divided by its number of new tokens to this power: above 0 favours long texts, below 0 short ones.</summary>
    /// <value>The default value is 1.</value>
    public double LengthPenalty { get; init; } = 1.0;

    /// <summary>When the search stops.</summary>
    /// <value>The default value is <see cref="BeamStopping.Estimate"/>.</value>
    public BeamStopping EarlyStopping { get; init; }

    /// <summary>Texts that are given back for each prompt, best first: from 1 to <see cref="NumBeams"/>.</summary>
    /// <value>The default value is 1.</value>
    public int NumReturnSequences { get; init; } = 1;

    /// <summary>Every value out of its range, with its key.</summary>
    public IEnumerable<OptionFault> Validate() => Faults(
        [
            AtLeast("num_beams", NumBeams, 1),
            double.IsFinite(LengthPenalty) ? null : new OptionFault("length_penalty", $"expected a finite number, found {LengthPenalty}."),
            Enum.IsDefined(EarlyStopping) ? null : new OptionFault("early_stopping", $"expected true, false or never, found {EarlyStopping}."),
            AtLeast("num_return_sequences", NumReturnSequences, 1),
            NumReturnSequences > NumBeams ? new OptionFault("num_return_sequences", $"expected at most 'num_beams' ({NumBeams}), found {NumReturnSequences}.") : null,
        ]);
}
