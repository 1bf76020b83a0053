using System.Text.Json.Nodes;

namespace Understudy.Models;

/// <summary>How rotary positions are scaled beyond the length a model was trained with, under the names of Hugging Face's <c>rope_type</c>.</summary>
public enum RopeType
{
    /// <summary>Not at all (Su et al., arXiv 2104.09864).</summary>
    Default,

    /// <summary>Positions divided by the factor (Chen et al., arXiv 2306.15595).</summary>
    Linear,

    /// <summary>A larger base for rows longer than the model was trained with (dynamic NTK).</summary>
    Dynamic,

    /// <summary>Slow wavelengths divided, fast ones kept, and scores tempered (Peng et al., arXiv 2309.00071).</summary>
    Yarn,

    /// <summary>Slow wavelengths divided, fast ones kept, a smooth passage between (Llama 3.1).</summary>
    Llama3,
}

/// <summary>The rotary part of a configuration, from <c>rope_parameters</c> or the older <c>rope_theta</c> and <c>rope_scaling</c>. Formulas are those of transformers' <c>modeling_rope_utils</c>.</summary>
public sealed record RopeParameters
{
    /// <summary>How positions are scaled.</summary>
    public RopeType Type { get; init; } = RopeType.Default;

    /// <summary>Base of the wavelengths, above 0.</summary>
    public double Theta { get; init; } = 10000;

    /// <summary>How many times longer rows become, at least 1.</summary>
    public double Factor { get; init; } = 1;

    /// <summary>The length the model was trained with, in tokens.</summary>
    public int OriginalMaxPositionEmbeddings { get; init; }

    /// <summary>Llama 3: wavelengths longer than the original length divided by this are divided by the factor.</summary>
    public double LowFreqFactor { get; init; } = 1;

    /// <summary>Llama 3: wavelengths shorter than the original length divided by this are kept.</summary>
    public double HighFreqFactor { get; init; } = 4;

    /// <summary>YaRN: what cosines and sines are multiplied by; null takes it from the factor.</summary>
    public double? AttentionFactor { get; init; }

    /// <summary>YaRN: rotations over the original length above which a wavelength is kept.</summary>
    public double BetaFast { get; init; } = 32;

    /// <summary>YaRN: rotations below which a wavelength is divided.</summary>
    public double BetaSlow { get; init; } = 1;

    /// <summary>YaRN: numerator of the default attention factor, with <see cref="MscaleAllDim"/>.</summary>
    public double? Mscale { get; init; }

    /// <summary>YaRN: denominator of the default attention factor, with <see cref="Mscale"/>.</summary>
    public double? MscaleAllDim { get; init; }

    /// <summary>YaRN: whether the bounds between kept and divided wavelengths are whole numbers.</summary>
    public bool Truncate { get; init; } = true;

    /// <summary>The keys of the file that these came from; null for new ones.</summary>
    internal JsonObject? Stored { get; init; }

    /// <summary>Reads the newer keys or the older.</summary>
    /// <param name="json">A model's configuration.</param>
    /// <param name="maxPositions">Its <c>max_position_embeddings</c>.</param>
    /// <param name="theta">The base when neither form names one.</param>
    /// <exception cref="InvalidDataException">A type that is not supported, or a value out of its range.</exception>
    public static RopeParameters From(ConfigJson json, int maxPositions, double theta = 10000)
    {
        ArgumentNullException.ThrowIfNull(json);
        var section = json.Section("rope_parameters") ?? json.Section("rope_scaling");
        var name = section?.String("rope_type", section.String("type", "default")) ?? "default";
        if (section?.Root.FirstOrDefault(pair => pair.Value is JsonObject) is { Key: { } kind }) throw section.Fault($"it has parameters for layers of the kind '{kind}' alone; supported are those for all layers.");
        var rope = new RopeParameters
        {
            Theta = section?.Has("rope_theta") == true ? section.Double("rope_theta") : json.Double("rope_theta", theta),
            OriginalMaxPositionEmbeddings = maxPositions,
            Stored = section?.Root,
            Type = name switch
            {
                "default" => RopeType.Default,
                "linear" => RopeType.Linear,
                "dynamic" => RopeType.Dynamic,
                "yarn" => RopeType.Yarn,
                "llama3" => RopeType.Llama3,
                _ => throw json.Unsupported("rope_type", name, "default, linear, dynamic, yarn, llama3"),
            },
        };
        if (!(rope.Theta > 0)) throw json.Fault($"'rope_theta' is {rope.Theta}; expected more than 0.");
        if (rope.Type == RopeType.Default || section is null) return rope;

        var original = section.Int("original_max_position_embeddings", maxPositions);
        rope = rope with
        {
            Factor = section.Has("factor") || rope.Type != RopeType.Yarn ? section.Double("factor") : (double)maxPositions / original,
            // Dynamic scaling goes by the configured length, in the reference too.
            OriginalMaxPositionEmbeddings = rope.Type == RopeType.Dynamic ? maxPositions : original,
            LowFreqFactor = rope.Type == RopeType.Llama3 ? section.Double("low_freq_factor") : 1,
            HighFreqFactor = rope.Type == RopeType.Llama3 ? section.Double("high_freq_factor") : 4,
            AttentionFactor = Optional(section, "attention_factor"),
            BetaFast = Optional(section, "beta_fast") is { } fast and not 0 ? fast : 32,
            BetaSlow = Optional(section, "beta_slow") is { } slow and not 0 ? slow : 1,
            Mscale = Optional(section, "mscale"),
            MscaleAllDim = Optional(section, "mscale_all_dim"),
            Truncate = section.Bool("truncate", true),
        };
        if (!(rope.Factor >= 1)) throw section.Fault($"'factor' is {rope.Factor}; expected at least 1.");
        if (rope.Type == RopeType.Llama3 && !(rope.LowFreqFactor > 0 && rope.HighFreqFactor > rope.LowFreqFactor))
        {
            throw section.Fault($"'high_freq_factor' ({rope.HighFreqFactor}) must be more than 'low_freq_factor' ({rope.LowFreqFactor}), which must be more than 0.");
        }

        return rope;
    }

    /// <summary>Writes <c>rope_parameters</c>, and the older keys beside it so that every version of transformers reads them.</summary>
    public void Write(JsonObject json)
    {
        ArgumentNullException.ThrowIfNull(json);
        var section = Stored?.DeepClone().AsObject() ?? [];
        section.Remove("type");
        section["rope_type"] = Type.ToString().ToLowerInvariant();
        section["rope_theta"] = Theta;
        json["rope_theta"] = Theta;
        if (Type != RopeType.Default) json["rope_scaling"] = section.DeepClone();
        json["rope_parameters"] = section;
    }

    /// <summary>The angle per position of every rotated pair, rounded to float32 after every operation as in the reference: at the last position a rounding of the frequency is an angle many times larger.</summary>
    /// <param name="dimensions">Rotary dimensions as configured, at least 0; they set the wavelengths.</param>
    /// <param name="length">Tokens of the row, which dynamic scaling goes by.</param>
    /// <returns>One number for each pair; an odd number of dimensions makes one pair more.</returns>
    internal float[] Frequencies(int dimensions, int length)
    {
        var theta = Type == RopeType.Dynamic
            ? Theta * Math.Pow((Factor * Math.Max(length, OriginalMaxPositionEmbeddings) / OriginalMaxPositionEmbeddings) - (Factor - 1), dimensions / (dimensions - 2.0))
            : Theta;
        var powers = Enumerable.Range(0, (dimensions + 1) / 2).Select(i => (float)Math.Pow(theta, 2f * i / dimensions)).ToArray();
        return Type switch
        {
            RopeType.Linear => [.. powers.Select(power => 1f / power / (float)Factor)],
            RopeType.Llama3 => [.. powers.Select(power => Smoothed(1f / power))],
            RopeType.Yarn => Interpolated(powers, dimensions),
            _ => [.. powers.Select(power => 1f / power)],
        };
    }

    /// <summary>What cosines and sines are multiplied by.</summary>
    internal double Scale => Type != RopeType.Yarn ? 1
        : AttentionFactor ?? (Mscale is { } up and not 0 && MscaleAllDim is { } down and not 0 ? Tempering(up) / Tempering(down) : Tempering(1));

    private float Smoothed(float frequency)
    {
        var wavelength = 2 * MathF.PI / frequency;
        if (wavelength > OriginalMaxPositionEmbeddings / LowFreqFactor) return frequency / (float)Factor;
        if (wavelength < OriginalMaxPositionEmbeddings / HighFreqFactor) return frequency;
        var smooth = ((OriginalMaxPositionEmbeddings / wavelength) - (float)LowFreqFactor) / (float)(HighFreqFactor - LowFreqFactor);
        return ((1 - smooth) * frequency / (float)Factor) + (smooth * frequency);
    }

    private float[] Interpolated(float[] powers, int dimensions)
    {
        double Dimension(double rotations) => dimensions * Math.Log(OriginalMaxPositionEmbeddings / (rotations * 2 * Math.PI)) / (2 * Math.Log(Theta));
        var (low, high) = (Dimension(BetaFast), Dimension(BetaSlow));
        if (Truncate) (low, high) = (Math.Floor(low), Math.Ceiling(high));
        (low, high) = (Math.Max(low, 0), Math.Min(high, dimensions - 1));
        // Two equal bounds would divide by nothing.
        if (low == high) high += 0.001;
        return [.. powers.Select((power, i) =>
        {
            var kept = 1 - Math.Clamp((i - (float)low) / (float)(high - low), 0f, 1f);
            return (1f / ((float)Factor * power) * (1 - kept)) + (1f / power * kept);
        })];
    }

    private double Tempering(double scale) => Factor <= 1 ? 1 : (0.1 * scale * Math.Log(Factor)) + 1;

    private static double? Optional(ConfigJson section, string key) => section.Has(key) ? section.Double(key) : null;
}
