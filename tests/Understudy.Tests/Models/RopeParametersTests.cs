using System.Text.Json.Nodes;
using Understudy.Models;

namespace Understudy.Tests.Models;

/// <summary>Rotary scaling. The numbers were computed in double precision from the papers' formulas.</summary>
public sealed class RopeParametersTests
{
    [Theory]
    [InlineData("{}", 8, 0, new[] { 1, 0.1, 0.01, 0.001 })]
    [InlineData("{\"rope_scaling\": {\"type\": \"linear\", \"factor\": 4.0}}", 8, 0, new[] { 0.25, 0.025, 0.0025, 0.00025 })]
    [InlineData("{\"rope_scaling\": {\"type\": \"dynamic\", \"factor\": 2.0}, \"max_position_embeddings\": 16}", 8, 20, new[] { 1, 0.087358046, 0.0076314283, 0.00066666667 })]
    [InlineData("{\"rope_scaling\": {\"type\": \"dynamic\", \"factor\": 2.0}, \"max_position_embeddings\": 16}", 8, 12, new[] { 1, 0.1, 0.01, 0.001 })]
    [InlineData("{\"rope_parameters\": {\"rope_type\": \"yarn\", \"factor\": 4.0, \"original_max_position_embeddings\": 512}}", 16, 0, new[] { 1, 0.25693506, 0.0625, 0.013834965, 0.0025, 0.00079056942, 0.00025, 7.9056942e-05 })]
    [InlineData("{\"rope_parameters\": {\"rope_type\": \"yarn\", \"factor\": 4.0, \"original_max_position_embeddings\": 512, \"truncate\": false}}", 16, 0, new[] { 1, 0.30140648, 0.070398637, 0.014383359, 0.0025, 0.00079056942, 0.00025, 7.9056942e-05 })]
    [InlineData("{\"rope_parameters\": {\"rope_type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 1, \"high_freq_factor\": 4, \"original_max_position_embeddings\": 256}}", 16, 0, new[] { 1, 0.31622777, 0.1, 0.0066131063, 0.00125, 0.00039528471, 0.000125, 3.9528471e-05 })]
    public void Frequencies_are_those_of_the_formula(string config, int dimensions, int length, double[] expected)
    {
        var rope = Read(config);
        var found = rope.Frequencies(dimensions, length);
        Assert.Equal(expected.Length, found.Length);
        Assert.All(expected.Zip(found), pair => Assert.Equal(1, pair.Second / pair.First, 2e-6));
    }

    [Theory]
    [InlineData("{\"rope_type\": \"yarn\", \"factor\": 4.0}", 1.138629436111989)]
    [InlineData("{\"rope_type\": \"yarn\", \"factor\": 4.0, \"attention_factor\": 0.5}", 0.5)]
    [InlineData("{\"rope_type\": \"yarn\", \"factor\": 4.0, \"mscale\": 2.0, \"mscale_all_dim\": 1.0}", 1.277258872223978 / 1.138629436111989)]
    [InlineData("{\"rope_type\": \"yarn\", \"factor\": 1.0}", 1)]
    [InlineData("{\"rope_type\": \"linear\", \"factor\": 4.0}", 1)]
    public void Yarn_tempers_the_scores(string section, double expected) => Assert.Equal(expected, Read($"{{\"rope_parameters\": {section}}}").Scale, 1e-12);

    [Fact]
    public void Older_and_newer_keys_mean_the_same_and_are_written_both()
    {
        var older = Read("{\"rope_theta\": 5000.0, \"rope_scaling\": {\"type\": \"linear\", \"factor\": 2.0, \"extra\": 1}}");
        var json = new JsonObject();
        older.Write(json);
        Assert.Equal("{\"rope_theta\":5000,\"rope_scaling\":{\"factor\":2.0,\"extra\":1,\"rope_type\":\"linear\",\"rope_theta\":5000},\"rope_parameters\":{\"factor\":2.0,\"extra\":1,\"rope_type\":\"linear\",\"rope_theta\":5000}}", json.ToJsonString());
        var newer = Read(json.ToJsonString());
        Assert.Equal(older with { Stored = null }, newer with { Stored = null });
    }

    [Theory]
    [InlineData("{\"rope_theta\": 0}", "config.json: 'rope_theta' is 0; expected more than 0.")]
    [InlineData("{\"rope_scaling\": {\"type\": \"linear\", \"factor\": 0.5}}", "config.json, 'rope_scaling': 'factor' is 0.5; expected at least 1.")]
    [InlineData("{\"rope_scaling\": {\"type\": \"linear\"}}", "config.json, 'rope_scaling': 'factor' is missing; expected a number.")]
    [InlineData("{\"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8, \"low_freq_factor\": 4, \"high_freq_factor\": 4}}", "config.json, 'rope_scaling': 'high_freq_factor' (4) must be more than 'low_freq_factor' (4), which must be more than 0.")]
    [InlineData("{\"rope_parameters\": {\"full_attention\": {\"rope_type\": \"linear\", \"factor\": 8}}}", "config.json, 'rope_parameters': it has parameters for layers of the kind 'full_attention' alone; supported are those for all layers.")]
    [InlineData("{\"rope_scaling\": \"linear\"}", "config.json: 'rope_scaling' is \"linear\"; expected an object.")]
    public void A_wrong_value_is_refused_with_its_key(string config, string message) =>
        Assert.Equal(message, Assert.Throws<InvalidDataException>(() => Read(config)).Message);

    private static RopeParameters Read(string config)
    {
        var json = new ConfigJson(JsonNode.Parse(config)!.AsObject(), ConfigJson.FileName);
        return RopeParameters.From(json, json.Int("max_position_embeddings", 2048));
    }
}
