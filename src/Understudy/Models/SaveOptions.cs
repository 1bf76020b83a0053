using System.Text.Json.Nodes;
using Understudy.Torch;

namespace Understudy.Models;

/// <summary>How a model is saved.</summary>
public sealed record SaveOptions
{
    /// <summary>Type that floating-point weights are written in, cast piece by piece as they are written: the model itself stays as it is.</summary>
    /// <value>The default value is null: the type that they have.</value>
    public ScalarType? DType { get; init; }

    /// <summary>The most bytes of weights in one file, at least 1; a larger tensor has a file of its own. With more than one file there is an index.</summary>
    /// <value>The default value is 50 GB, as in transformers.</value>
    public long MaxShardSize { get; init; } = SafeTensorsShardWriter.DefaultMaxShardSize;

    /// <summary>The folder that the model and its unchanged tokenizer come from: what Python reads beside the weights (the tokenizer's own files, its configuration, special tokens, chat template) is copied as it is.</summary>
    /// <value>The default value is null: the tokenizer that is given is written, and nothing else.</value>
    public string? Source { get; init; }

    /// <summary>The content of <c>generation_config.json</c>.</summary>
    /// <value>The default value is null: that of <see cref="Source"/> where a model generates, else none.</value>
    public JsonObject? GenerationConfig { get; init; }
}
