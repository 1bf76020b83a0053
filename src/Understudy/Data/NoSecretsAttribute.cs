namespace Understudy.Data;

/// <summary>Marks a section of options whose values a run writes out beside its run file, so that no secret may stand in it.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class NoSecretsAttribute : Attribute;
