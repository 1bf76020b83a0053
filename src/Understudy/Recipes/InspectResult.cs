using System.Text.Json.Nodes;

namespace Understudy.Recipes;

/// <summary>What a model folder holds and needs. Sizes are in bytes.</summary>
/// <param name="Path">The folder or the configuration file.</param>
/// <param name="ModelType">The family: <c>model_type</c>.</param>
/// <param name="Architecture">The class in transformers.</param>
/// <param name="Sizes">Layers and widths.</param>
/// <param name="Parameters">How many weights there are, and where.</param>
/// <param name="Weights">The files of the weights; null for a configuration alone.</param>
/// <param name="Memory">What running and tuning need.</param>
/// <param name="Tokenizer">The tokenizer; null where there is none.</param>
/// <param name="ChatTemplate">Whether there is a chat template.</param>
/// <param name="QuantizationConfig">How the weights in the files are quantised, as <c>config.json</c> says it; null when they are not.</param>
/// <param name="Loading">What loading took; null when it was not asked for.</param>
public sealed record InspectResult(
    string Path,
    string ModelType,
    string Architecture,
    ModelSizes Sizes,
    ParameterCounts Parameters,
    StoredWeights? Weights,
    ModelMemory Memory,
    InspectedTokenizer? Tokenizer,
    bool ChatTemplate,
    JsonObject? QuantizationConfig,
    LoadMeasurement? Loading);

/// <summary>Layers and widths; null where a family has no such size.</summary>
/// <param name="Layers">Blocks; of the encoder where there is a decoder, too.</param>
/// <param name="DecoderLayers">Blocks of a decoder beside an encoder.</param>
/// <param name="Heads">Attention heads of a block.</param>
/// <param name="KeyValueHeads">Heads of keys and values.</param>
/// <param name="HeadDim">Numbers of a head.</param>
/// <param name="HiddenSize">Width of the residual stream.</param>
/// <param name="IntermediateSize">Width inside the feed-forward part.</param>
/// <param name="VocabularySize">Rows of the embedding.</param>
/// <param name="MaxLength">The most tokens of a row.</param>
public sealed record ModelSizes(int Layers, int? DecoderLayers, int Heads, int KeyValueHeads, int HeadDim, int HiddenSize, int? IntermediateSize, int VocabularySize, int MaxLength);

/// <summary>Numbers of weights, each counted once also when it is used twice.</summary>
/// <param name="Total">All of them.</param>
/// <param name="Embeddings">Tables that tokens and positions are looked up in.</param>
/// <param name="Attention">Linear layers of attention, and relative positions.</param>
/// <param name="FeedForward">The other linear layers of blocks.</param>
/// <param name="Norms">Normalisation layers.</param>
/// <param name="Head">What makes the output; 0 when it is the embedding itself.</param>
/// <param name="LoraRank">Rank that the next figure is for.</param>
/// <param name="Lora">Weights of adapters of that rank on all linear layers but the output.</param>
public sealed record ParameterCounts(long Total, long Embeddings, long Attention, long FeedForward, long Norms, long Head, int LoraRank, long Lora);

/// <summary>The files of the weights.</summary>
/// <param name="Files">How many.</param>
/// <param name="Bytes">Size of the tensors in them.</param>
/// <param name="Types">Bytes by the name of the type, as a safetensors header has it.</param>
public sealed record StoredWeights(int Files, long Bytes, IReadOnlyDictionary<string, long> Types);

/// <summary>A tokenizer's kind and special tokens.</summary>
/// <param name="Class">What <c>tokenizer_config.json</c> calls it; null when it says nothing.</param>
/// <param name="Model">The algorithm: BPE, WordPiece, Unigram, WordLevel.</param>
/// <param name="Tokens">Size of its vocabulary, added tokens included.</param>
/// <param name="SpecialTokens">Special tokens with their roles.</param>
/// <param name="Fault">Why it cannot be read; null when it can.</param>
public sealed record InspectedTokenizer(string? Class, string? Model, int? Tokens, IReadOnlyList<InspectedToken> SpecialTokens, string? Fault);

/// <summary>A special token.</summary>
/// <param name="Role">Such as <c>eos_token</c>.</param>
/// <param name="Content">Its text.</param>
/// <param name="Id">Its id; null where the vocabulary lacks it.</param>
public sealed record InspectedToken(string Role, string Content, int? Id);

/// <summary>What loading a model took.</summary>
/// <param name="Type">Type the weights were loaded in.</param>
/// <param name="LoadSeconds">Time of loading.</param>
/// <param name="FirstTokenSeconds">Time of one forward pass over 16 tokens after that; null for a model that generates nothing.</param>
/// <param name="WeightBytes">The weights in memory.</param>
/// <param name="PeakBytes">The most that the process held, program included.</param>
/// <param name="BeforeBytes">What it held before.</param>
public sealed record LoadMeasurement(string Type, double LoadSeconds, double? FirstTokenSeconds, long WeightBytes, long PeakBytes, long BeforeBytes);
